"""A query sees every event that was there when it came."""

import asyncio
from base64 import b64decode
from collections.abc import Sequence
from typing import Any, cast

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaConnectionError

from contracts.topics import PLAYBOOK_EVENTS, RUN_EVENTS
from services.analytics.barrier import Barrier
from services.analytics.consumers import RunConsumer
from services.analytics.positions import Positions
from services.analytics.summaries import Summaries
from shared.ids import new_id
from shared.kafka import Consumption, GroupProgress, Pace, Parking
from tests.infrastructure import Infrastructure
from tests.integration.analytics.conftest import Bench, registered, story, wire
from tests.integration.asking import GivenRecord, hostile_records
from tests.integration.running import fresh_topic


async def test_metrics_see_what_was_published_before_they_were_asked_for(bench: Bench) -> None:
    organization_id, playbook_id = new_id("org"), new_id("pb")
    await bench.publisher.publish([registered(playbook_id, organization_id)])
    for number in range(1, 4):
        await bench.publisher.publish(wire(new_id("run"), story(playbook_id), organization_id))
        answer = await bench.metrics(playbook_id, organization_id)
        data = answer.json()["data"]
        assert "X-Consistency" not in answer.headers
        assert data["metrics"]["execution_stats"]["completed_runs"] == number
    assert (data["playbook_id"], data["playbook_name"], data["period"]) == (playbook_id, "Onboarding", "30d")
    assert data["metrics"]["step_performance"][0] == {
        "step_sequence": 1, "step_name": "Contact", "executions": 3, "avg_duration_minutes": 60, "success_rate": 100,
        "bottleneck_score": 0.2,
    }  # fmt: skip


async def test_a_playbook_without_runs_has_metrics_and_an_unknown_one_has_none(bench: Bench) -> None:
    organization_id, playbook_id = new_id("org"), new_id("pb")
    await bench.publisher.publish([registered(playbook_id, organization_id)])
    assert (await bench.metrics(playbook_id, organization_id)).json()["data"]["metrics"]["step_performance"]
    for asked, tenant in ((playbook_id, "org_other"), ("pb_unknown", organization_id)):
        answer = await bench.metrics(asked, tenant)
        assert (answer.status_code, answer.json()["error"]["details"]) == (
            404,
            {"field": "playbook_id", "value": asked},
        )


async def test_an_older_revision_that_comes_late_changes_nothing(bench: Bench) -> None:
    organization_id, playbook_id = new_id("org"), new_id("pb")
    for revision, name in ((1, "First"), (2, "Second"), (1, "First")):
        await bench.publisher.publish([registered(playbook_id, organization_id, revision, name)])
    assert (await bench.metrics(playbook_id, organization_id)).json()["data"]["playbook_name"] == "Second"


async def test_only_runs_of_the_period_count(bench: Bench) -> None:
    organization_id, playbook_id = new_id("org"), new_id("pb")
    for hours in (1, 30, 24 * 20):
        await bench.publisher.publish(wire(new_id("run"), story(playbook_id, hours), organization_id))
    for period, count in (("2h", 1), ("2d", 2), ("4w", 3)):
        data = (await bench.metrics(playbook_id, organization_id, period=period)).json()["data"]
        assert (data["period"], data["metrics"]["execution_stats"]["total_runs"]) == (period, count)
    refused = await bench.metrics(playbook_id, organization_id, period="1y")
    assert (refused.status_code, refused.json()["error"]["details"]["field"]) == (400, "period")


async def test_analytics_filter_and_group_ones_own_runs(bench: Bench) -> None:
    organization_id, first, second = new_id("org"), new_id("pb"), new_id("pb")
    for playbook_id, happened in ((first, story(first)), (first, story(first)[:2]), (second, story(second))):
        await bench.publisher.publish(wire(new_id("run"), happened, organization_id))
        await bench.publisher.publish(wire(new_id("run"), story(playbook_id), new_id("org")))
    answer = await bench.analytics(
        organization_id, filters={"playbook_ids": [first], "entity_types": ["customer"]}, group_by=["outcome"]
    )
    data = answer.json()["data"]
    assert [(g["key"]["outcome"], g["count"]) for g in data["groups"]] == [
        ("in_progress", 1),
        ("successful_completion", 1),
    ]
    assert data["totals"]["duration"] == {"average_hours": 1, "median_hours": 1, "p95_hours": 1}
    every = (await bench.analytics(organization_id, filters={"statuses": ["completed"]})).json()["data"]
    assert every["totals"]["count"] == 2
    refused = await bench.analytics(organization_id, group_by=["colour"])
    assert (refused.status_code, refused.json()["error"]["details"]["field"]) == (400, "group_by")


async def test_repeats_and_disorder_come_to_the_same(bench: Bench) -> None:
    organization_id, playbook_id = new_id("org"), new_id("pb")
    first, second, third, last = wire(new_id("run"), story(playbook_id), organization_id)
    await bench.publisher.publish([first, third, third, last])
    stats = (await bench.metrics(playbook_id, organization_id)).json()["data"]["metrics"]["execution_stats"]
    assert (stats["completed_runs"], stats["active_runs"]) == (0, 1)
    await bench.publisher.publish([first, second, third])
    stats = (await bench.metrics(playbook_id, organization_id)).json()["data"]["metrics"]["execution_stats"]
    assert (stats["completed_runs"], stats["total_runs"]) == (1, 1)


async def test_a_lost_race_is_folded_again(bench: Bench) -> None:
    """Two replicas that both believe to own the partition."""
    organization_id, playbook_id, run_id = new_id("org"), new_id("pb"), new_id("run")
    records = [GivenRecord.of(message) for message in wire(run_id, story(playbook_id), organization_id)]
    parking = Parking(bench.publisher, RUN_EVENTS, "test")
    one, other = (RunConsumer(Summaries(bench.service.mongo, 10), _Unrecorded(), parking, Pace(0)) for _ in range(2))
    await one.handle((records[0],))
    await other.handle((records[0], records[1]))
    await one.handle((records[1], records[2]))
    await other.handle((records[3],))
    await one.handle(tuple(records))
    (run,) = await Summaries(bench.service.mongo, 0).load([(organization_id, run_id)])
    stored = (await Summaries(bench.service.mongo, 0).load([run]))[run].summary
    assert (stored["sequence"], stored["status"], stored["held"]) == (4, "completed", [])
    assert stored["steps"]["step_001"]["completed"] == 1


class _Unrecorded(Positions):
    """Of consumers beside the running one: what they take is not on the topic."""

    def __init__(self) -> None:
        return

    async def record(self, records: object) -> None:
        return


class _Ends:
    """A topic whose log ends where it is told, or that nobody can ask."""

    def __init__(self, ends: dict[TopicPartition, int] | None) -> None:
        self._ends = ends

    async def end_offsets(self) -> dict[TopicPartition, int]:
        if self._ends is None:
            raise KafkaConnectionError("gone")
        return self._ends


def _barrier(
    bench: Bench,
    positions: Positions,
    *ends: dict[TopicPartition, int] | None,
    sources: Sequence[GroupProgress] = (),
    seconds: float = 0.2,
) -> Barrier:
    consumptions = cast(Sequence[Consumption], [_Ends(e) for e in ends])
    settings = bench.settings.model_copy(update={"analytics_wait_seconds": seconds})
    return Barrier(consumptions, sources, positions, Pace(0), settings)


@pytest.mark.parametrize("ends", [None, {}], ids=["no answer", "no partitions"])
async def test_says_behind_where_the_end_is_not_known(bench: Bench, ends: dict[TopicPartition, int] | None) -> None:
    assert not await _barrier(bench, Positions(bench.service.mongo), ends).passed()


async def test_any_replica_knows_how_far_the_others_have_come(bench: Bench) -> None:
    topic = new_id("topic")
    place = TopicPartition(topic, 0)
    writer, reader = Positions(bench.service.mongo), Positions(bench.service.mongo)
    await writer.record(tuple(GivenRecord(b"", b"", topic, 0, offset) for offset in (3, 4)))
    assert await _barrier(bench, reader, {place: 5, TopicPartition(topic, 1): 0}).passed()
    assert not await _barrier(bench, reader, {place: 6}).passed()
    assert not await _barrier(bench, writer, {place: 5, TopicPartition(topic, 1): 1}).passed()


async def test_waits_for_what_the_engine_has_written_and_not_published_yet(
    bench: Bench, infrastructure: Infrastructure
) -> None:
    """Others see a run as soon as it is written: figures that they ask for then must have it."""
    topic, servers = await fresh_topic(infrastructure), infrastructure.bootstrap_servers
    group, place = topic.group("engine"), TopicPartition(topic.name, 0)
    source = GroupProgress(bench.settings, topic, group)
    engine = AIOKafkaConsumer(bootstrap_servers=servers, group_id=group, enable_auto_commit=False)
    async with engine, AIOKafkaProducer(bootstrap_servers=servers, acks="all") as gateway:
        engine.assign([place])
        for _ in range(2):
            await gateway.send_and_wait(topic.name, b"command", partition=0)
        ends = {TopicPartition("none", 0): 0}
        positions = Positions(bench.service.mongo)
        assert await _barrier(bench, positions, ends, sources=[source], seconds=20).passed(), "nobody takes commands"
        await engine.commit({place: 1})
        assert not await _barrier(bench, positions, ends, sources=[source]).passed()
        waiting = asyncio.create_task(_barrier(bench, positions, ends, sources=[source], seconds=20).passed())
        await engine.commit({place: 2})
        assert await waiting
    await source.stop()


@pytest.mark.parametrize(("topic", "kind"), [(RUN_EVENTS, "StepStarted"), (PLAYBOOK_EVENTS, "PlaybookRegistered")])
async def test_hostile_records_are_parked_and_stop_nothing(bench: Bench, topic: Any, kind: str) -> None:
    marker, organization_id, playbook_id = new_id("hostile"), new_id("org"), new_id("pb")
    async with AIOKafkaProducer(bootstrap_servers=bench.settings.kafka_bootstrap_servers) as foreign:
        for key, value, headers in (hostile := hostile_records(topic, kind, marker)):
            await foreign.send_and_wait(topic.name, value, key=key, headers=headers, partition=0)

    def is_mine(parked: dict[str, Any]) -> bool:
        return parked["service"] == "analytics" and marker.encode() in b64decode(parked["value_base64"] or b"")

    await bench.publisher.publish([registered(playbook_id, organization_id)])
    await bench.publisher.publish(wire(new_id("run"), story(playbook_id), organization_id))
    answer = await bench.metrics(playbook_id, organization_id)
    assert answer.json()["data"]["metrics"]["execution_stats"]["completed_runs"] == 1
    assert "X-Consistency" not in answer.headers
    if topic is RUN_EVENTS:
        await bench.parked.find(is_mine, len(hostile))
