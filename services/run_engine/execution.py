"""One command on one run: decided, folded, journalled; what is to be published comes out as bytes. No I/O."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from contracts import commands, events, limits, topics
from contracts.definitions import PlaybookDefinition
from contracts.policies import OrganizationPolicies
from contracts.rejections import NO_LONGER_KEPT, Code, Rejection
from contracts.replies import Reply
from services.run_engine.domain import views
from services.run_engine.domain.clear import NOTHING, Clear
from services.run_engine.domain.copying import changed
from services.run_engine.domain.decide import lead_on
from services.run_engine.domain.in_flight import asked_for, orders
from services.run_engine.domain.plan import plan_of
from services.run_engine.domain.situation import Situation
from services.run_engine.domain.state import RunState
from services.run_engine.job_messages import job_message, order_message
from services.run_engine.journal import Entry, Journal
from shared.messages import Message, OutgoingMessage, event_message
from shared.outcomes import Outcome


@dataclass(frozen=True)
class StoredRun:
    """A run as it stands in the database, or would stand after the commands taken so far."""

    run_id: str
    state: RunState
    journal: Journal
    head_hash: str | None
    """Hash of the run's last event."""
    partition: int
    """Of run.commands: whoever reads it looks after the run's timers."""
    written: int = 0
    """How often the document was written; 0: not yet. Guards the next write."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What came of a command."""

    run: StoredRun | None
    messages: tuple[OutgoingMessage, ...]
    reply: Reply
    answer: bytes
    """The reply, as JSON."""
    is_repeat: bool = False
    """It was answered before."""

    @classmethod
    def of(cls, run: StoredRun | None, messages: tuple[OutgoingMessage, ...], reply: Reply) -> "Taken":
        return cls(run, messages, reply, _as_json(reply))

    @classmethod
    def again(cls, run: StoredRun | None, messages: tuple[OutgoingMessage, ...], reply: Reply) -> "Taken":
        return cls(run, messages, reply, _as_json(reply), is_repeat=True)


def _as_json(reply: Reply) -> bytes:
    return reply.model_dump_json().encode()


def take(
    run: StoredRun | None,
    message: Message,
    definition: PlaybookDefinition | None,
    policies: OrganizationPolicies,
    now: datetime,
    clear: Clear = NOTHING,
    stored: Outcome | None = None,
) -> Taken:
    """Takes the command, or gives the first answer again when it was taken before.

    `stored` is the outcome that the store holds of the command, if it was looked for.
    """
    envelope = message.envelope
    if run is not None and run.state.organization_id != envelope.organization_id:
        return Taken.of(None, (), Reply(rejection=not_found(envelope.key)))  # theirs is as none at all
    again = _again(run, message, stored)
    if again is not None:
        return again
    if definition is None or (run is None and not isinstance(message.payload, commands.StartRun)):
        return Taken.of(run, (), Reply(rejection=not_found(envelope.key)))
    if run is not None and _is_crowded(run, message):
        return _refused(run, message, _crowded(run))
    return _decide(run, message, definition, policies, now, clear)


def _again(run: StoredRun | None, message: Message, stored: Outcome | None) -> Taken | None:
    """Returns what was answered before, None for a command that must be decided."""
    envelope = message.envelope
    entry = run.journal.find(envelope.id) if run is not None else None
    if entry is not None:
        reply = entry.answer_again(envelope.fingerprint, message.offset)
        return Taken.again(run, entry.messages, reply) if reply is not None else None
    reply = stored.answer_again(message) if stored is not None else None
    if reply is None and run is not None and envelope.id in run.journal.older:
        reply = Reply(rejection=NO_LONGER_KEPT, replayed=True)
    return Taken.again(run, (), reply) if reply is not None else None


def _is_crowded(run: StoredRun, message: Message) -> bool:
    """More is under way than one document should hold. Asked again, it is taken; what is told once only is let in."""
    once = isinstance(message.payload, commands.RecordAutomationResult | commands.RecordNotification)
    return not once and run.journal.pending_bytes > limits.JOURNAL_BYTES


def _crowded(run: StoredRun) -> Rejection:
    reason = f"More than {limits.JOURNAL_BYTES} bytes of the run's events are not published yet; send it again"
    details = {"run_id": run.run_id, "limit": "journal_bytes", "max_bytes": limits.JOURNAL_BYTES, "reason": reason}
    return Rejection(code=Code.UNAVAILABLE, message=reason, details=details)


def _too_much_comes_of_it(messages: Sequence[OutgoingMessage]) -> Rejection | None:
    size = sum(len(message.value) for message in messages)
    if size <= limits.COMMAND_OUTPUT_BYTES:
        return None
    reason = (
        f"The events and jobs that would come of this have {size} bytes; the limit is {limits.COMMAND_OUTPUT_BYTES}. "
        "Each job carries the run's data: let fewer automated steps start at once, or keep less data"
    )
    sizes = {"limit": "command_output_bytes", "max_bytes": limits.COMMAND_OUTPUT_BYTES, "actual_bytes": size}
    return Rejection(code=Code.PAYLOAD_TOO_LARGE, message=reason, details={**sizes, "reason": reason})


def _decide(
    run: StoredRun | None,
    message: Message,
    definition: PlaybookDefinition,
    policies: OrganizationPolicies,
    now: datetime,
    clear: Clear,
) -> Taken:
    command = message.payload
    assert isinstance(command, commands.Command)
    before = run.state if run else None
    if before is not None:
        now = max(now, before.updated_at)  # clocks of several engines differ; a run's time never goes back
    course = lead_on(before, definition, policies, command, now, clear)
    if isinstance(course, Rejection):
        return _refused(run, message, course)
    after, decided = course.state, course.events
    messages, head = _messages(run, message, definition, after, decided, now)
    if before is not None:
        messages += tuple(
            order_message(message, after, order, now) for order in orders(before, after, _answered(command))
        )
    refusal = _too_much_comes_of_it(messages)
    if refusal is not None:
        return _refused(run, message, refusal)
    situation = Situation(plan_of(definition), policies, now)
    result = _result(command, situation, before, after, decided)
    reply = Reply(result=result, sequence=after.sequence)
    base = run or StoredRun(after.run_id, after, Journal(), None, message.partition)
    base = changed(base, state=after, head_hash=head)
    answer = _as_json(reply)
    return Taken(_journalled(base, message, messages, reply, answer), messages, reply, answer)


def _refused(run: StoredRun | None, message: Message, rejection: Rejection) -> Taken:
    """A timer that does not fire now may do so later, under the same id: nothing of it is remembered."""
    reply = Reply(rejection=rejection, sequence=run.state.sequence if run else None)
    answer = _as_json(reply)
    if isinstance(message.payload, commands.FireTimer):
        return Taken(run, (), reply, answer)
    return Taken(run and _journalled(run, message, (), reply, answer), (), reply, answer)


def _journalled(
    run: StoredRun, message: Message, messages: tuple[OutgoingMessage, ...], reply: Reply, answer: bytes
) -> StoredRun:
    """Of a signal from Kafka that is refused nothing is remembered: its sender may put it right under the same id."""
    envelope, accepted = message.envelope, reply.rejection is None
    address = envelope.reply_to
    forgotten = not accepted and address is not None and address.topic == topics.SIGNALS_OUTCOMES.name
    has_caller = not forgotten and (address is not None or envelope.fingerprint is not None)
    entry = Entry(
        envelope.id,
        message.partition,
        message.offset,
        None if forgotten else envelope.fingerprint,
        messages,
        accepted=accepted,
        answer=answer,
        number=run.journal.next_number,
        has_caller=has_caller,
    )
    return changed(run, journal=run.journal.add(entry), partition=message.partition)


def _messages(
    run: StoredRun | None,
    message: Message,
    definition: PlaybookDefinition,
    after: RunState,
    decided: Sequence[events.Event],
    now: datetime,
) -> tuple[tuple[OutgoingMessage, ...], str | None]:
    """The events, chained by their hashes, and the jobs that they ask for; and the last hash."""
    envelope = message.envelope
    first = after.sequence - len(decided) + 1
    head = run.head_hash if run else None
    out: list[OutgoingMessage] = []
    for sequence, event in enumerate(decided, first):
        outgoing, head = event_message(
            topics.RUN_EVENTS.name,
            after.run_id,
            event,
            sequence=sequence,
            previous_hash=head,
            organization_id=after.organization_id,
            correlation_id=envelope.correlation_id,
            causation_id=envelope.id,
            time=event.at,
            traceparent=envelope.traceparent,
        )
        out.append(outgoing)
    jobs = (job_message(message, definition, after, event, now) for event in asked_for(decided, after))
    return (*out, *jobs), head


def _answered(command: commands.Command) -> str | None:
    return command.job_id if isinstance(command, commands.RecordAutomationResult) else None


def _result(
    command: commands.Command,
    situation: Situation,
    before: RunState | None,
    after: RunState,
    decided: Sequence[events.Event],
) -> dict[str, Any]:
    """The answer, in the shape of the public API."""
    match command:
        case commands.StartRun():
            return views.run_created_view(after, situation.plan.definition, decided)
        case commands.CompleteStep():
            return views.completion_view(after, situation, command.step_id, decided, command.caller)
        case commands.ClaimStep() | commands.ReleaseStep():
            return views.assignment_view(after, situation, command.step_id, decided, command.caller)
        case commands.UpdateData():
            return views.update_view(after, decided)
        case commands.EraseEncryptedData():
            return views.erasure_view(after, decided)
        case commands.SignalCommand() if before is not None:
            return views.signal_view(before, after, command, decided)
        case _:
            return {"run_id": after.run_id, "status": after.status}


def outcomes_of(run: StoredRun, entries: Iterable[Entry]) -> list[Outcome]:
    """Returns what the store of outcomes takes over of entries that leave the run's journal."""
    return [outcome_of(run.state.organization_id, entry) for entry in entries if entry.has_caller]


def outcome_of(organization_id: str, entry: Entry) -> Outcome:
    answer = entry.answer.decode()
    return Outcome(entry.command_id, organization_id, answer, entry.fingerprint, entry.partition, entry.offset)


def not_found(run_id: str) -> Rejection:
    return Rejection(
        code=Code.NOT_FOUND,
        message=f"Run {run_id} was not found",
        details={"field": "run_id", "value": run_id},
    )
