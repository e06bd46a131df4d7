"""Events of runs: a batch in, one insert."""

import asyncio

from contracts.registry import ENVELOPED, version_of
from contracts.topics import RUN_EVENTS
from services.timeline.arrivals import Arrivals
from services.timeline.store import EventStore, StoredEvent
from shared.kafka import Batch, Pace, SetsAside
from shared.messages import Record, Unreadable, read_envelope

_VERSIONS = {name: version_of(kind) for name, (kind, topic) in ENVELOPED.items() if topic is RUN_EVENTS}
"""Of each event that this service knows, its newest version."""
_HIGHEST = 2**53


class EventConsumer:
    """Takes batches from run.events. An event that comes twice is kept once."""

    def __init__(self, store: EventStore, arrivals: Arrivals, parking: SetsAside, pace: Pace) -> None:
        self._store = store
        self._arrivals = arrivals
        self._parking = parking
        self._pace = pace

    async def handle(self, records: Batch) -> None:
        began = asyncio.get_running_loop().time()
        events: list[StoredEvent] = []
        unreadable: list[Unreadable] = []
        for record in records:
            event = _event(record)
            if isinstance(event, Unreadable):
                unreadable.append(event)
            else:
                events.append(event)
        if unreadable:
            await self._parking.park(unreadable)
        await self._store.add(events)
        self._arrivals.tell({event.run_id for event in events})
        await self._pace.rest(began, len(records))


def _event(record: Record) -> StoredEvent | Unreadable:
    """Only the envelope is looked at: what an event says is worked out when somebody reads it."""
    envelope = read_envelope(record)
    if isinstance(envelope, Unreadable):
        return envelope
    newest = _VERSIONS.get(envelope.type)
    if newest is None:
        return Unreadable(record, f"{envelope.type!r} is no event of a run")
    if envelope.version > newest:
        return Unreadable(record, f"{envelope.type} version {envelope.version} is newer than this service knows")
    if envelope.sequence is None or not 1 <= envelope.sequence <= _HIGHEST:
        return Unreadable(record, "an event needs its sequence, from 1")
    if record.key != envelope.key.encode():
        return Unreadable(record, "the record's key is not the envelope's")
    assert record.value is not None  # or it would have had no envelope
    return StoredEvent(envelope.organization_id, envelope.key, envelope.sequence, record.value.decode())
