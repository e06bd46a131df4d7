"""What the notifier reads: the few run events that somebody is to be told of."""

from collections.abc import Callable, Iterable, Sequence

from contracts.events import RUN_EVENTS, Event, StepEscalated, StepOverdue
from services.notifier.domain.notices import NOTIFYING, Notice, Source, StepKey, assignee, notice
from services.notifier.domain.retries import GIVEN_UP_AFTER
from services.notifier.store import Assignment, Delivery, NoticeStore
from shared.clock import now
from shared.kafka import Batch, Parking
from shared.messages import Message, Record, Unreadable, read

EMAIL = "email"
_SILENT = frozenset(event.__name__.encode() for event in RUN_EVENTS if event not in NOTIFYING)


class EventConsumer:
    """Stores a delivery for each event that somebody is to be told of; they are sent elsewhere.

    Where no channel is configured nothing is read but the offsets, so that switching one on later does not tell of
    what is long past.
    """

    def __init__(self, store: NoticeStore, parking: Parking, enabled: bool, stored: Callable[[], None]) -> None:
        self._store = store
        self._parking = parking
        self._enabled = enabled
        self._stored = stored

    async def handle(self, records: Batch) -> None:
        if not self._enabled:
            return
        messages = [read(record) for record in records if not _silent(record)]
        if not messages:
            return
        await self._parking.park([m for m in messages if isinstance(m, Unreadable)])
        await self._take([m for m in messages if isinstance(m, Message) and isinstance(m.payload, NOTIFYING)])

    async def _take(self, messages: Sequence[Message]) -> None:
        deliveries, assignments = await self._plan(messages)
        # Deliveries first: a batch that comes again must find the assignees as they were before it.
        await self._store.add(deliveries)
        await self._store.assign(assignments, now())
        if deliveries:
            self._stored()

    async def _plan(self, messages: Sequence[Message]) -> tuple[list[Delivery], list[Assignment]]:
        assignees = dict(await self._store.assignees(_unsaid(messages)))
        deliveries: list[Delivery] = []
        assigned: dict[StepKey, Assignment] = {}
        oldest = now() - GIVEN_UP_AFTER
        for message in messages:
            event, source = _event(message)
            told = notice(source, event, assignees)
            if told and message.envelope.time > oldest:
                deliveries.append(_delivery(message, told))
            given = assignee(event)
            if given:
                step = (source.run_id, given[0])
                assignees[step] = given[1]
                assigned[step] = Assignment(step, given[1], source.sequence)
        return deliveries, list(assigned.values())


def _silent(record: Record) -> bool:
    """By its header alone, without parsing. A header may be missing or hold anything; then the value says."""
    for name, value in getattr(record, "headers", None) or ():
        if name == "type":
            return value in _SILENT
    return False


def _event(message: Message) -> tuple[Event, Source]:
    envelope, event = message.envelope, message.payload
    assert isinstance(event, Event)
    return event, Source(envelope.key, envelope.sequence or 0, envelope.organization_id)


def _unsaid(messages: Iterable[Message]) -> set[StepKey]:
    """The steps whose assignee the events themselves may not say."""
    return {
        (message.envelope.key, message.payload.step_id)
        for message in messages
        if isinstance(message.payload, StepEscalated | StepOverdue)
    }


def _delivery(message: Message, told: Notice) -> Delivery:
    envelope = message.envelope
    return Delivery(
        delivery_id=f"{told.run_id}:{told.sequence}:{EMAIL}",
        notice=told,
        status="pending",
        tries=0,
        created_at=now(),
        correlation_id=envelope.correlation_id,
        causation_id=envelope.id,
        traceparent=envelope.traceparent,
    )
