"""The loop around the core: a batch of commands in, one write, then events and jobs, then replies."""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import TypeVar

import structlog

from contracts import commands, limits, topics
from contracts.definitions import PlaybookDefinition
from contracts.policies import OrganizationPolicies
from contracts.rejections import SET_ASIDE
from contracts.replies import Reply
from services.run_engine.domain.clear import NOTHING, Clear
from services.run_engine.domain.copying import changed
from services.run_engine.execution import StoredRun, Taken, outcomes_of, take
from services.run_engine.metrics import COMMANDS, EVENTS, INCIDENTS
from services.run_engine.organizations import OrganizationStore
from services.run_engine.reply_messages import Answer, reply_messages
from services.run_engine.sealing.commands import Sealing
from services.run_engine.store import DefinitionKey, RunStore
from shared import clock
from shared.kafka import Batch, Finish, Parking, Publisher
from shared.messages import Message, OutgoingMessage, Record, Unreadable, read, read_batch
from shared.outcomes import Outcome
from shared.unspoken import Unspoken

Committed = Callable[[], Mapping[int, int]]
"""By partition of run.commands, the offset below which nothing is delivered again."""
Fired = Callable[[str, bool], None]
"""Told of each timer's command that was taken: its id, and whether it was accepted."""
T = TypeVar("T")
log = structlog.get_logger()


@dataclass
class _Round:
    """What one pass over a batch has come to."""

    before: dict[str, StoredRun]
    after: dict[str, StoredRun] = field(default_factory=dict)
    messages: dict[str, list[OutgoingMessage]] = field(default_factory=dict)
    """By run: nothing of a run is published before its write has succeeded."""
    answers: dict[str, list[Answer]] = field(default_factory=dict)
    lost: set[str] = field(default_factory=set)
    """The runs that somebody else wrote meanwhile: what was decided about them counts for nothing."""

    stored: dict[str, Outcome] = field(default_factory=dict)
    """By command id: the outcomes that the store holds of commands that came before."""
    nowhere: list[Outcome] = field(default_factory=list)
    """Refusals that no journal keeps, and that somebody may ask for: there is no such run, as far as they may know."""
    repeated: set[str] = field(default_factory=set)
    """The runs to which commands came that had been taken: what should have followed may have been cut short."""

    def note(self, message: Message, before: StoredRun | None, taken: Taken) -> None:
        """Adds what came of one command; `before` is the run as it stood until then."""
        run_id = message.envelope.key
        if taken.run is not None and taken.run is not before:
            self.after[run_id] = taken.run
        elif taken.run is not None:
            self.repeated.add(run_id)
        elif message.envelope.reply_to is not None and not taken.is_repeat:
            outcome = Outcome.of(message, taken.reply)
            self.nowhere.append(outcome)
            self.stored[outcome.command_id] = outcome  # for a repeat of it within the batch
        self.messages.setdefault(run_id, []).extend(taken.messages)
        self.answers.setdefault(run_id, []).append((message, taken.reply, taken.answer))

    def doubtful(self, lost: set[str]) -> list[StoredRun]:
        """The runs whose tasks may not be what they should be."""
        found = (self.after.get(run_id) or self.before.get(run_id) for run_id in lost | self.repeated)
        return [run for run in found if run is not None and run.run_id not in self.lost]

    def written(self, of_runs: Mapping[str, Sequence[T]]) -> Iterator[T]:
        return (item for run_id, items in of_runs.items() if run_id not in self.lost for item in items)


class CommandLoop:
    """Takes batches from run.commands. Taking one twice changes nothing: see journal.py."""

    def __init__(
        self,
        store: RunStore,
        organizations: OrganizationStore,
        publisher: Publisher,
        parking: Parking,
        committed: Committed,
        sealing: Sealing,
        fired: Fired = lambda _command_id, _accepted: None,
    ) -> None:
        self._store = store
        self._sealing = sealing
        self._organizations = organizations
        self._publisher = publisher
        self._parking = parking
        self._committed = committed
        self._fired = fired

    async def handle(self, records: Batch) -> Finish:
        """Decides and writes; what it returns publishes, and may be done while the next batch is decided."""
        messages, unreadable = read_batch(records)
        if unreadable:
            await self._parking.park(unreadable)
        rounds: list[_Round] = []
        while messages:
            round_ = await self._round(messages, rounds[-1].lost if rounds else set())
            messages = [m for m in messages if m.envelope.key in round_.lost]
            rounds.append(round_)
        return partial(self._publish, rounds)

    async def set_aside(self, record: Record, error: Exception) -> None:
        """A surprise stops one run, not the partition: the command is parked, the run marked, the caller told."""
        await self._parking.set_aside(record, error)
        message = read(record)
        if isinstance(message, Unreadable):
            return
        incident = {
            "command_id": message.envelope.id,
            "command": message.envelope.type,
            "error": f"{type(error).__name__}: {error}",
            "at": clock.now(),
        }
        since = {"partition": record.partition, "offset": record.offset}
        if message.envelope.reply_to is not None or message.envelope.fingerprint is not None:
            await self._store.outcomes.save([Outcome.of(message, _INCIDENT)])
        await self._store.mark_incident(message.envelope.key, incident, since)
        INCIDENTS.inc()
        await self._publisher.publish(reply_messages([(message, _INCIDENT, None)], clock.now()))

    async def _round(self, messages: Sequence[Message], lost: set[str]) -> _Round:
        """Decides and writes. `lost`: the runs whose last write met another's."""
        carried = _carried_definitions(messages)
        await self._store.save_definitions(carried)
        runs, policies, stored = await asyncio.gather(
            self._store.load({m.envelope.key for m in messages}),
            self._organizations.policies({m.envelope.organization_id for m in messages}),
            self._store.stored_outcomes((m.envelope.key, m.envelope.id) for m in messages),
        )
        # What is carried serves the other commands of the batch too, to runs that are only now started.
        definitions = await self._store.definitions(
            _pinned(runs.values()) | {(d.playbook_id, d.revision) for d in carried}
        )
        of_messages = [_definition(runs.get(m.envelope.key), m, definitions) for m in messages]
        clear = await self._sealing.opened(messages, runs, of_messages)
        round_ = _Round(runs, stored=stored)
        self._decide(round_, messages, definitions, policies, clear, clock.now())
        await self._write(round_)
        await self._store.tasks.renew(round_.doubtful(lost))
        await self._store.outcomes.save(round_.nowhere)
        return round_

    async def _publish(self, rounds: Sequence[_Round]) -> None:
        """Events and jobs first: a reply speaks of nothing that is not in the log."""
        events = [message for round_ in rounds for message in round_.written(round_.messages)]
        await asyncio.gather(self._publisher.publish(events), *map(self._withdraw_tasks, rounds))
        _count(events)
        answers = [answer for round_ in rounds for answer in round_.written(round_.answers)]
        await self._sealing.destroy(answers)
        await self._publisher.publish(reply_messages(answers, clock.now()))
        for message, reply, _ in answers:
            _note(message, reply)
            if isinstance(message.payload, commands.FireTimer):
                self._fired(message.envelope.id, reply.rejection is None)

    async def _withdraw_tasks(self, round_: _Round) -> None:
        """Before the replies: whoever has one finds no task that it has ended."""
        written = [run for run_id, run in round_.after.items() if run_id not in round_.lost]
        await self._store.tasks.withdraw(round_.before, written)

    def _decide(
        self,
        round_: _Round,
        messages: Sequence[Message],
        definitions: Mapping[DefinitionKey, PlaybookDefinition],
        policies: Mapping[str, OrganizationPolicies],
        clear: Mapping[str, Clear],
        now: datetime,
    ) -> None:
        committed = self._committed()
        for message in messages:
            run_id = message.envelope.key
            run = _relieved(round_.after.get(run_id) or round_.before.get(run_id), committed)
            in_force = policies[message.envelope.organization_id]
            definition = _definition(run, message, definitions)
            stored = round_.stored.get(message.envelope.id)
            taken = _taken(run, message, definition, in_force, now, clear.get(run_id, NOTHING), stored)
            round_.note(message, run, taken)

    async def _write(self, round_: _Round) -> None:
        """What leaves a journal is stored before the journal is written without it."""
        committed = self._committed()
        runs = [changed(run, journal=run.journal.release_past(committed)) for run in round_.after.values()]
        leaving = {run.run_id: run.journal.surplus(committed) for run in runs}
        await self._store.outcomes.save([o for run in runs for o in outcomes_of(run, leaving[run.run_id])])
        runs = [changed(run, journal=run.journal.without(leaving[run.run_id])) for run in runs]
        round_.lost = await self._store.save(round_.before, runs)
        if round_.lost:
            log.info("writes_lost", runs=len(round_.lost))


def _relieved(run: StoredRun | None, committed: Mapping[int, int]) -> StoredRun | None:
    """Without what was published meanwhile, where that counts: a run that takes nothing is not written, and would keep
    it for ever."""
    if run is None or run.journal.pending_bytes <= limits.JOURNAL_BYTES:
        return run
    return changed(run, journal=run.journal.release_past(committed))


def _taken(
    run: StoredRun | None,
    message: Message,
    definition: PlaybookDefinition | None,
    policies: OrganizationPolicies,
    now: datetime,
    clear: Clear,
    stored: Outcome | None,
) -> Taken:
    try:
        return take(run, message, definition, policies, now, clear, stored)
    except Exception as surprise:
        if not clear:
            raise
        raise Unspoken.of(surprise) from None


_INCIDENT = Reply(rejection=SET_ASIDE)


def _count(messages: Iterable[OutgoingMessage]) -> None:
    for message in messages:
        if message.topic == topics.RUN_EVENTS.name:
            EVENTS.labels(message.type).inc()


def _note(message: Message, reply: Reply) -> None:
    envelope = message.envelope
    outcome = "accepted" if reply.rejection is None else reply.rejection.code.value
    COMMANDS.labels(envelope.type, outcome).inc()
    say = log.debug if reply.rejection is None else log.info
    say(
        "command_taken",
        command=envelope.type,
        outcome=outcome,
        run_id=envelope.key,
        organization_id=envelope.organization_id,
        correlation_id=envelope.correlation_id,
    )


def _carried_definitions(messages: Sequence[Message]) -> list[PlaybookDefinition]:
    carried = {
        (m.payload.definition.playbook_id, m.payload.definition.revision): m.payload.definition
        for m in messages
        if isinstance(m.payload, commands.StartRun)
    }
    return list(carried.values())


def _pinned(runs: Iterable[StoredRun]) -> set[DefinitionKey]:
    return {(run.state.playbook.playbook_id, run.state.playbook.revision) for run in runs}


def _definition(
    run: StoredRun | None, message: Message, definitions: Mapping[DefinitionKey, PlaybookDefinition]
) -> PlaybookDefinition | None:
    """The revision that the run is, or is to be, pinned to: always the same object, for plans are kept by object."""
    if run is not None:
        return definitions.get((run.state.playbook.playbook_id, run.state.playbook.revision))
    if isinstance(message.payload, commands.StartRun):
        carried = message.payload.definition
        return definitions[carried.playbook_id, carried.revision]
    return None
