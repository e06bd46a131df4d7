"""The timeline made anew from its log, while the service goes on."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from contracts.topics import RUN_EVENTS
from services.timeline.rebuild import TIMELINE
from services.timeline.store import EventStore
from shared.ids import new_id
from shared.kafka import Replay
from shared.rebuild import BESIDE, rebuilding
from shared.rebuild_command import IMPOSSIBLE, main
from tests.integration.timeline.conftest import ORGANIZATION, Bench, history


def _key(run_id: str, sequence: int) -> dict[str, Any]:
    return {"organization_id": ORGANIZATION, "run_id": run_id, "sequence": sequence}


async def test_finds_what_was_changed_and_puts_it_right_while_events_come_in(bench: Bench) -> None:
    changed, removed, later = new_id("run"), new_id("run"), new_id("run")
    for run_id in (changed, removed):
        await bench.publisher.publish(history(run_id, 2))
        await bench.until_seen(run_id, 3)
    events = bench.service.mongo.collection("events")
    await events.update_one({"_id": _key(changed, 2)}, {"$set": {"event": "{}"}})
    await events.update_one({"_id": _key(changed, 3)}, {"$unset": {"event": ""}})
    await events.delete_one({"_id": _key(removed, 3)})
    async with rebuilding(TIMELINE, bench.settings) as rebuild:
        assert await rebuild.read() >= 6
        found = (await rebuild.differences())["events"]
        assert found.unequal == [_key(changed, 2), _key(changed, 3)]
        assert _key(removed, 3) in found.added
        await bench.publisher.publish(history(later, 2))
        await bench.until_seen(later, 3)  # in the collection that is about to be replaced
        await rebuild.replace()
    store = EventStore(bench.service.mongo)
    for run_id in (changed, removed, later):
        stored = await store.of_run(ORGANIZATION, run_id)
        assert [event["sequence"] for event in stored] == [1, 2, 3]
    names = await bench.service.mongo._database.list_collection_names()
    assert [name for name in names if name.endswith(BESIDE)] == []


async def test_says_what_the_log_does_not_hold(bench: Bench) -> None:
    lost = new_id("run")
    await bench.service.mongo.collection("events").insert_one({"_id": _key(lost, 1), "event": "{}"})
    async with rebuilding(TIMELINE, bench.settings) as rebuild:
        await rebuild.read()
        assert (await rebuild.differences())["events"].missing == [_key(lost, 1)]
    await bench.service.mongo.collection("events").delete_one({"_id": _key(lost, 1)})


async def test_a_replay_goes_on_from_where_it_stood_to_all_that_is_there(bench: Bench) -> None:
    seen: list[bytes | None] = []

    async def take(records: Any) -> None:
        seen.extend(record.key for record in records)

    first, second = new_id("run"), new_id("run")
    async with Replay(bench.settings, RUN_EVENTS) as replay:
        await bench.publisher.publish(history(first, 4))
        await replay.up_to_now(take)
        assert seen.count(first.encode()) == 5
        await bench.publisher.publish(history(second, 4))
        assert await replay.up_to_now(take) >= 5
        assert (seen.count(first.encode()), seen.count(second.encode())) == (5, 5)


def test_without_a_database_it_ends_in_a_sentence(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    """In a thread: the command has an event loop of its own."""
    nowhere = bench.settings.model_copy(
        update={"mongodb_uri": "mongodb://127.0.0.1:1/?replicaSet=rs0&serverSelectionTimeoutMS=300"}
    )
    with ThreadPoolExecutor(1) as thread:
        assert thread.submit(main, TIMELINE, nowhere, []).result() == IMPOSSIBLE
    assert "does not answer" in capsys.readouterr().err
