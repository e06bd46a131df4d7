"""Events of runs and of playbooks: a batch in, one write, then how far it goes."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping

import structlog

from contracts.events import Event, PlaybookRegistered
from services.analytics.domain.fold import fold
from services.analytics.domain.summary import RunSummary, new_summary
from services.analytics.positions import Records
from services.analytics.store import AnalyticsStore
from services.analytics.summaries import RunKey, StoredSummary, Summaries
from shared.kafka import Batch, Pace, SetsAside
from shared.messages import Message, Record, Unreadable, read

_HIGHEST = 2**53
log = structlog.get_logger()


class RunConsumer:
    """Takes batches from run.events. Taking one twice changes nothing."""

    def __init__(self, summaries: Summaries, positions: Records, parking: SetsAside, pace: Pace) -> None:
        self._summaries = summaries
        self._positions = positions
        self._parking = parking
        self._pace = pace

    async def handle(self, records: Batch) -> None:
        began = asyncio.get_running_loop().time()
        messages = await _readable(records, self._parking, _without_sequence)
        by_run: dict[RunKey, list[Message]] = defaultdict(list)
        for message in messages:
            by_run[message.envelope.organization_id, message.envelope.key].append(message)
        while by_run:
            lost = await self._round(by_run)
            by_run = {key: by_run[key] for key in lost}
        await self._positions.record(records)
        await self._pace.rest(began, len(records))

    async def _round(self, by_run: Mapping[RunKey, list[Message]]) -> list[RunKey]:
        """Folds and writes. Returns the runs that somebody else wrote meanwhile."""
        before = await self._summaries.load(by_run)
        after: dict[RunKey, RunSummary] = {}
        for key, messages in by_run.items():
            stored = before.get(key)
            summary = _folded(stored, key, messages)
            if stored is None or summary is not stored.summary:
                after[key] = summary
        return list(await self._summaries.save(before, after))


def _folded(stored: StoredSummary | None, key: RunKey, messages: list[Message]) -> RunSummary:
    summary = stored.summary if stored else new_summary(*key)
    held = len(summary["held"])
    for message in messages:
        assert isinstance(message.payload, Event)
        assert message.envelope.sequence is not None
        summary = fold(summary, message.envelope.sequence, message.payload)
    if len(summary["held"]) > held:
        log.warning("events_held", run_id=key[1], after=summary["sequence"], held=len(summary["held"]))
    return summary


class PlaybookConsumer:
    """Takes batches from playbook.events."""

    def __init__(self, store: AnalyticsStore, positions: Records, parking: SetsAside) -> None:
        self._store = store
        self._positions = positions
        self._parking = parking

    async def handle(self, records: Batch) -> None:
        messages = await _readable(records, self._parking, _of_another)
        definitions = [m.payload.definition for m in messages if isinstance(m.payload, PlaybookRegistered)]
        newest = {d.playbook_id: d for d in sorted(definitions, key=lambda d: d.revision)}
        await self._store.save_playbooks(list(newest.values()))
        await self._positions.record(records)


async def _readable(records: Batch, parking: SetsAside, wrong: Callable[[Message], str | None]) -> list[Message]:
    """The valid messages; what is none is parked."""
    messages: list[Message] = []
    unreadable: list[Unreadable] = []
    for record in records:
        message = read(record)
        if isinstance(message, Unreadable):
            unreadable.append(message)
        elif (reason := _misplaced(record, message) or wrong(message)) is not None:
            unreadable.append(Unreadable(record, reason))
        else:
            messages.append(message)
    if unreadable:
        await parking.park(unreadable)
    return messages


def _misplaced(record: Record, message: Message) -> str | None:
    return None if record.key == message.envelope.key.encode() else "the record's key is not the envelope's"


def _without_sequence(message: Message) -> str | None:
    sequence = message.envelope.sequence
    return None if sequence is not None and 1 <= sequence <= _HIGHEST else "an event needs its sequence, from 1"


def _of_another(message: Message) -> str | None:
    envelope, event = message.envelope, message.payload
    assert isinstance(event, PlaybookRegistered)
    owner = event.definition.organization_id, event.definition.playbook_id
    return None if owner == (envelope.organization_id, envelope.key) else "the definition is another playbook's"
