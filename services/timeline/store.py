"""The timeline's database: one document an event, whole.

The key, organisation, run and sequence in this order, is the only index: it keeps events apart, finds a run's events
for its own organisation only, and gives them in order.
"""

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from pymongo import ASCENDING, InsertOne

from shared.mongo import Document, Mongo, bulk_write

_LAST = 2**62


@dataclass(frozen=True, slots=True)
class StoredEvent:
    organization_id: str
    run_id: str
    sequence: int
    event: str
    """The message's JSON, byte for byte."""


@dataclass(frozen=True, slots=True)
class StoredRun:
    """A run's events as they came over the wire, in order."""

    organization_id: str
    run_id: str
    events: list[dict[str, Any]]


class EventStore:
    def __init__(self, mongo: Mongo) -> None:
        self._events = mongo.collection("events")

    async def add(self, events: Iterable[StoredEvent]) -> None:
        """In one round trip. An event that is there already stays as it is."""
        await bulk_write(self._events, [InsertOne(_document(event)) for event in events])

    async def has_all(self, organization_id: str, run_id: str, sequence: int) -> bool:
        """Whether every event of the run from 1 to `sequence` is there."""
        return await self.count(organization_id, run_id, sequence) >= sequence

    async def count(self, organization_id: str, run_id: str, last: int = _LAST) -> int:
        """How many events of the run are there, up to that one."""
        found: int = await self._events.count_documents(_range(organization_id, run_id, last))
        return found

    async def of_run(self, organization_id: str, run_id: str) -> Sequence[dict[str, Any]]:
        """The run's events in order, as they came over the wire; an empty one for what can't be read any more."""
        cursor = self._events.find(_range(organization_id, run_id, _LAST)).sort("_id", ASCENDING)
        return [_event(document) async for document in cursor]

    async def every_run(self) -> AsyncIterator[StoredRun]:
        """All runs of all organisations, one after the other, in order of the only index."""
        current: StoredRun | None = None
        async for document in self._events.find({}).sort("_id", ASCENDING):
            owner, run_id = document["_id"]["organization_id"], document["_id"]["run_id"]
            if current is None or (owner, run_id) != (current.organization_id, current.run_id):
                if current is not None:
                    yield current
                current = StoredRun(owner, run_id, [])
            current.events.append(_event(document))
        if current is not None:
            yield current


def _event(document: Document) -> dict[str, Any]:
    try:
        event = orjson.loads(document["event"])
    except (KeyError, ValueError):
        return {}
    return event if isinstance(event, dict) else {}


def _document(stored: StoredEvent) -> Document:
    return {"_id": _key(stored.organization_id, stored.run_id, stored.sequence), "event": stored.event}


def _key(organization_id: str, run_id: str, sequence: int) -> Document:
    return {"organization_id": organization_id, "run_id": run_id, "sequence": sequence}


def _range(organization_id: str, run_id: str, last: int) -> Document:
    return {"_id": {"$gte": _key(organization_id, run_id, 1), "$lte": _key(organization_id, run_id, last)}}
