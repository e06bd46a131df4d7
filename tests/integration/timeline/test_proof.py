"""Whatever somebody does to the stored events, the check finds it: on the real database."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import orjson
import pytest

from services.timeline.store import EventStore, StoredEvent
from shared.ids import new_id
from shared.mongo import Document
from tests.integration.timeline.conftest import ORGANIZATION, Bench, history

EVENTS = 3


class Kept:
    """A run's events in the timeline's database, and the engine's word on where they end."""

    def __init__(self, bench: Bench) -> None:
        self.run_id = new_id("run")
        self.messages = [message.value.decode() for message in history(self.run_id, EVENTS - 1)]
        self.events = [orjson.loads(message) for message in self.messages]
        self.collection = bench.service.mongo.collection("events")
        self._bench = bench

    async def stored(self) -> "Kept":
        rows = [StoredEvent(ORGANIZATION, self.run_id, n, message) for n, message in enumerate(self.messages, 1)]
        await EventStore(self._bench.service.mongo).add(rows)
        return self

    def key(self, sequence: Any) -> Document:
        return {"organization_id": ORGANIZATION, "run_id": self.run_id, "sequence": sequence}

    async def becomes(self, event: Any, sequence: int = 2) -> None:
        await self.collection.update_one({"_id": self.key(sequence)}, {"$set": {"event": event}})

    async def verified(self, **head: Any) -> dict[str, Any]:
        path, whose = f"/internal/timelines/{self.run_id}", {"organization_id": ORGANIZATION}
        here = (await self._bench.http.get(f"{path}/count", params=whose)).json()["data"]["events"]
        asked = {**whose, "min_sequence": EVENTS, "head_hash": self.events[-1]["hash"], "here": here, **head}
        answer = await self._bench.http.get(f"{path}/verification", params=asked)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()["data"]
        return found


@pytest.fixture
async def kept(bench: Bench) -> AsyncIterator[Kept]:
    """Gone afterwards with all that was done to it: no log holds it."""
    events = bench.service.mongo.collection("events")
    before = {document["_id"]["run_id"] async for document in events.find({}, {"_id": 1})}
    yield await Kept(bench).stored()
    await events.delete_many({"_id.run_id": {"$nin": list(before)}})


def _changed(value: Any) -> Iterator[Any]:
    """The value with each single part of it changed, taken away, or added to."""
    if isinstance(value, dict):
        yield {**value, "added": None}
        for name, part in value.items():
            yield {other: held for other, held in value.items() if other != name}
            yield from ({**value, name: changed} for changed in _changed(part))
    elif isinstance(value, list):
        yield [*value, None]
        for n, part in enumerate(value):
            yield value[:n] + value[n + 1 :]
            yield from ([*value[:n], changed, *value[n + 1 :]] for changed in _changed(part))
    elif isinstance(value, bool) or value is None:
        yield not value
    elif isinstance(value, str):
        yield f"{value}x"
    else:
        yield from (value + 1, str(value))


async def test_each_single_part_of_an_event_that_is_changed_is_found(kept: Kept) -> None:
    assert (await kept.verified())["status"] == "verified"
    for sequence, event in enumerate(kept.events, 1):
        for changed in _changed(event):
            await kept.becomes(orjson.dumps(changed).decode(), sequence)
            found = await kept.verified()
            assert (found["status"], found["broken"]["sequence"]) == ("broken", sequence), changed
        await kept.becomes(kept.messages[sequence - 1], sequence)
    assert (await kept.verified())["status"] == "verified"


@pytest.mark.parametrize("event", ["{", "[]", "null", "", "{}", 5, None, {"an": "object"}])
async def test_an_event_that_can_not_be_read_any_more_is_found_and_the_others_are_shown(
    kept: Kept, bench: Bench, event: Any
) -> None:
    await kept.becomes(event)
    assert (await kept.verified())["broken"] == {"sequence": 2, "reason": "it can't be read any more"}
    answer = await bench.get(kept.run_id, min_sequence=EVENTS)
    assert (answer.status_code, len(answer.json()["data"]["timeline"])) == (200, EVENTS - 1)


async def test_events_that_change_places_are_found(kept: Kept) -> None:
    await kept.becomes(kept.messages[2], 2)
    await kept.becomes(kept.messages[1], 3)
    assert (await kept.verified())["broken"]["sequence"] == 2


@pytest.mark.parametrize("sequence", [1.5, 0.5, -1, 4])
async def test_an_event_that_was_put_in_is_found_or_is_none_of_the_run(kept: Kept, sequence: float) -> None:
    forged = Kept(kept._bench)
    await kept.collection.insert_one({"_id": kept.key(sequence), "event": forged.messages[1]})
    found = await kept.verified()
    assert found["status"] == ("broken" if sequence > 1 else "verified")


async def test_an_event_that_follows_the_last_one_as_it_should_but_for_the_engine_is_found(kept: Kept) -> None:
    message = history(kept.run_id, EVENTS)[-1].value.decode()
    assert orjson.loads(message)["previous_hash"] == kept.events[-1]["hash"]
    await kept.collection.insert_one({"_id": kept.key(EVENTS + 1), "event": message})
    assert (await kept.verified())["broken"] == {"sequence": 4, "reason": "the engine wrote no such event"}
    assert (await kept.verified(here=EVENTS))["status"] == "verified", "it came after the engine was asked"


async def test_events_that_were_taken_away_are_missed(kept: Kept) -> None:
    await kept.collection.delete_one({"_id": kept.key(EVENTS)})
    assert (await kept.verified())["missing_from"] == EVENTS
    await kept.collection.delete_many({"_id.run_id": kept.run_id})
    found = await kept.verified()
    assert (found["status"], found["missing_from"], found["events"]) == ("incomplete", 1, 0)


async def test_the_history_of_another_run_is_none_of_this_one(kept: Kept, bench: Bench) -> None:
    other = await Kept(bench).stored()
    for sequence, message in enumerate(other.messages, 1):
        await kept.becomes(message, sequence)
    assert (await kept.verified())["broken"]["reason"] == "it is not the event that the engine wrote"
