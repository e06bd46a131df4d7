"""E-mail notices of run events: stored first, sent elsewhere."""

from collections.abc import Callable, Iterable, Sequence

from contracts.events import Event, RunCancelled, RunCompleted, RunFailed, StepEscalated, StepOverdue
from services.notifier.domain.notices import NOTIFYING, Notice, Source, StepKey, assignee, ending, notice, started
from services.notifier.domain.retries import FOR_A_DAY
from services.notifier.store import Assignment, Delivery, NoticeStore
from shared.clock import now
from shared.messages import Message

EMAIL = "email"
_ENDS = (RunCompleted, RunFailed, RunCancelled)


class Mails:
    """Stores a delivery for each event that somebody is to be told of. `wake` is called when there are any."""

    def __init__(self, store: NoticeStore, wake: Callable[[], None]) -> None:
        self._store = store
        self._wake = wake

    async def take(self, messages: Sequence[Message]) -> None:
        """Of all events those that notify."""
        await self._keep([m for m in messages if isinstance(m.payload, NOTIFYING)])

    async def _keep(self, messages: Sequence[Message]) -> None:
        starts = [run for message in messages if (run := started(message.envelope.key, _event(message)[0]))]
        await self._store.remember(starts, now())
        deliveries, assignments = await self._plan(messages)
        # Deliveries first: a batch that comes again must find the assignees as they were before it.
        await self._store.add(deliveries)
        await self._store.assign(assignments, now())
        if deliveries:
            self._wake()

    async def _plan(self, messages: Sequence[Message]) -> tuple[list[Delivery], list[Assignment]]:
        assignees = dict(await self._store.assignees(_unsaid(messages)))
        runs = await self._store.runs({m.envelope.key for m in messages if isinstance(m.payload, _ENDS)})
        deliveries: list[Delivery] = []
        assigned: dict[StepKey, Assignment] = {}
        oldest = now() - FOR_A_DAY.given_up_after
        for message in messages:
            event, source = _event(message)
            told = notice(source, event, assignees) or ending(source, event, runs.get(source.run_id))
            if told and message.envelope.time > oldest:
                deliveries.append(_delivery(message, told))
            given = assignee(event)
            if given:
                step = (source.run_id, given[0])
                assignees[step] = given[1]
                assigned[step] = Assignment(step, given[1], source.sequence)
        return deliveries, list(assigned.values())


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
