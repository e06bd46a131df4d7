"""A read sees the event that it must see, or says that it does not."""

import asyncio
from base64 import b64decode
from typing import Any

from aiokafka import AIOKafkaProducer

from contracts.topics import RUN_EVENTS
from services.timeline.domain.chain import verify
from services.timeline.store import EventStore, StoredEvent
from shared.ids import new_id
from shared.messages import hash_of
from tests.integration.asking import hostile_records
from tests.integration.timeline.conftest import ORGANIZATION, Bench, history


async def test_waits_for_an_event_that_is_on_its_way(bench: Bench) -> None:
    run_id = new_id("run")
    asked = asyncio.create_task(bench.until_seen(run_id, 4))
    await bench.publisher.publish(history(run_id, 3))
    data = (await asked).json()["data"]
    assert [e["event_type"] for e in data["timeline"]] == ["run_created"] + ["data_updated"] * 3
    assert data["summary"]["time_elapsed_minutes"] == 3


async def test_keeps_events_whole_once_and_in_order_however_they_come(bench: Bench) -> None:
    run_id = new_id("run")
    first, second, third, fourth = history(run_id, 3)
    await bench.publisher.publish([first, fourth, second, first, fourth])
    answer = await bench.get(run_id, min_sequence=4)
    assert answer.headers["X-Consistency"] == "behind"
    await bench.publisher.publish([third, second])
    answer = await bench.until_seen(run_id, 4)
    assert answer.json()["data"]["summary"]["total_events"] == 4
    stored = await EventStore(bench.service.mongo).of_run(ORGANIZATION, run_id)
    assert verify(stored, hash_of) is None


async def test_a_gap_is_told_even_when_nothing_was_asked_for(bench: Bench) -> None:
    run_id = new_id("run")
    messages = history(run_id, 2)
    await bench.publisher.publish([messages[0], messages[2]])
    async with asyncio.timeout(30):
        while (answer := await bench.get(run_id)).status_code != 200 or len(answer.json()["data"]["timeline"]) < 2:
            pass
    assert answer.headers["X-Consistency"] == "behind"


async def test_sees_what_another_replica_has_written(bench: Bench) -> None:
    run_id = new_id("run")
    asked = asyncio.create_task(bench.get(run_id, min_sequence=2))
    stored = [
        StoredEvent(ORGANIZATION, run_id, n, message.value.decode()) for n, message in enumerate(history(run_id, 1), 1)
    ]
    await EventStore(bench.service.mongo).add(stored)
    answer = await asked
    assert (answer.status_code, "X-Consistency" in answer.headers) == (200, False)


async def test_another_tenants_run_and_an_unknown_one_are_not_found(bench: Bench) -> None:
    run_id = new_id("run")
    await bench.publisher.publish(history(run_id, 1))
    await bench.until_seen(run_id, 2)
    for asked, organization_id in ((run_id, "org_2"), ("run_unknown", ORGANIZATION), (run_id, "org_1\x00")):
        answer = await bench.get(asked, organization_id)
        error = answer.json()["error"]
        assert (answer.status_code, error["code"]) == (404, "NOT_FOUND")
        assert (error["message"], error["details"]) == (
            f"Run {asked} was not found",
            {"field": "run_id", "value": asked},
        )


async def test_hostile_records_are_parked_and_stop_nothing(bench: Bench) -> None:
    marker = new_id("hostile")
    hostile = hostile_records(RUN_EVENTS, "DataUpdated", marker)
    async with AIOKafkaProducer(bootstrap_servers=bench.settings.kafka_bootstrap_servers) as foreign:
        for partition in range(2):
            for key, value, headers in hostile:
                await foreign.send_and_wait(RUN_EVENTS.name, value, key=key, headers=headers, partition=partition)

    def is_mine(parked: dict[str, Any]) -> bool:
        return parked["service"] == "timeline" and marker.encode() in b64decode(parked["value_base64"] or b"")

    parked = await bench.parked.find(is_mine, 2 * len(hostile))
    assert all(p["reason"] for p in parked)
    run_id = new_id("run")
    await bench.publisher.publish(history(run_id, 1))
    assert (await bench.until_seen(run_id, 2)).status_code == 200
