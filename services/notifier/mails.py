"""E-mail notices of run events: stored first, sent elsewhere."""

from collections.abc import Callable, Sequence

from contracts.events import Event, RunCreated
from services.notifier.domain.audience import Directory, mailbox, of_step
from services.notifier.domain.notices import RUN_NEWS, Notice, Source, of_run, started
from services.notifier.domain.occasions import STEP_EVENTS
from services.notifier.domain.retries import FOR_A_DAY
from services.notifier.organizations import DirectoryStore
from services.notifier.store import EMAIL, Delivery, NoticeStore
from shared.clock import now
from shared.messages import Message

NOTIFYING: tuple[type[Event], ...] = (RunCreated, *STEP_EVENTS, *RUN_NEWS)
"""Events that tell somebody something, or say whom to tell later."""
_NOBODY_KNOWN = Directory()


class Mails:
    """Stores a delivery for each person whom an event tells something. `wake` is called when there are any.

    `domain`: what makes an address of a user's id.
    """

    def __init__(
        self, store: NoticeStore, directories: DirectoryStore, domain: str | None, wake: Callable[[], None]
    ) -> None:
        self._store = store
        self._directories = directories
        self._domain = domain
        self._wake = wake

    async def take(self, messages: Sequence[Message]) -> None:
        """Of all events those that notify."""
        notifying = [m for m in messages if isinstance(m.payload, NOTIFYING)]
        starts = [run for message in notifying if (run := started(message.envelope.key, _event(message)[0]))]
        await self._store.remember(starts, now())
        oldest = now() - FOR_A_DAY.given_up_after
        deliveries = await self._planned([m for m in notifying if m.envelope.time > oldest])
        await self._store.add(deliveries)
        if deliveries:
            self._wake()

    async def _planned(self, messages: Sequence[Message]) -> list[Delivery]:
        runs = await self._store.runs({m.envelope.key for m in messages})
        organizations = {m.envelope.organization_id for m in messages if isinstance(m.payload, STEP_EVENTS)}
        directories = await self._directories.of(organizations)
        deliveries: list[Delivery] = []
        for message in messages:
            event, source = _event(message)
            directory, run = directories.get(source.organization_id, _NOBODY_KNOWN), runs.get(source.run_id)
            told = of_step(source, event, run, directory, self._domain) or of_run(source, event, run)
            deliveries += [_delivery(message, notice, mailbox(notice.recipient, self._domain)) for notice in told]
        return deliveries


def _event(message: Message) -> tuple[Event, Source]:
    envelope, event = message.envelope, message.payload
    assert isinstance(event, Event)
    return event, Source(envelope.key, envelope.sequence or 0, envelope.organization_id)


def _delivery(message: Message, told: Notice, whose: str) -> Delivery:
    envelope = message.envelope
    return Delivery(
        delivery_id=f"{told.run_id}:{told.sequence}:{EMAIL}:{whose}",
        notice=told,
        status="pending",
        tries=0,
        created_at=now(),
        correlation_id=envelope.correlation_id,
        causation_id=envelope.id,
        traceparent=envelope.traceparent,
    )
