"""From events of runs to messages for those who subscribed to them."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta

import orjson

from contracts.entries import event_type
from contracts.envelope import Envelope
from contracts.registry import upcast
from contracts.webhooks import TEST_EVENT
from services.notifier.domain.payload import event_body, trial_body
from services.notifier.domain.webhooks import Webhook
from services.notifier.webhooks.deliveries import DeliveryStore, Outgoing
from services.notifier.webhooks.playbooks import Playbooks
from services.notifier.webhooks.store import WebhookStore
from shared.clock import now
from shared.ids import stable_id
from shared.messages import Message

_CLOCKS_DIFFER = timedelta(seconds=5)


class FanOut:
    """`kept`: for so long a message is known as sent. Older events are not sent: a log that is read anew would send
    them again."""

    def __init__(
        self,
        webhooks: WebhookStore,
        deliveries: DeliveryStore,
        playbooks: Playbooks,
        kept: timedelta,
        wake: Callable[[], None],
    ) -> None:
        self._webhooks = webhooks
        self._deliveries = deliveries
        self._playbooks = playbooks
        self._kept = kept
        self._wake = wake

    async def is_needed(self) -> bool:
        return await self._webhooks.are_there_any()

    async def take(self, messages: Sequence[Message]) -> None:
        """Stores a message for each event and subscription that wants it.

        Raises Unavailable where the engine, which knows each run's playbook, does not answer.
        """
        subscribed: dict[str, list[Webhook]] = defaultdict(list)
        for webhook in await self._webhooks.of({message.envelope.organization_id for message in messages}):
            subscribed[webhook.organization_id].append(webhook)
        outgoing: list[Outgoing] = []
        for message in messages:
            interested = self._interested(subscribed.get(message.envelope.organization_id, ()), message.envelope)
            if interested:
                outgoing += _sent(interested, message.envelope, await self._playbooks.of(message))
        if outgoing:
            await self._deliveries.add(outgoing)
            self._wake()

    def _interested(self, webhooks: Sequence[Webhook], event: Envelope) -> list[Webhook]:
        """Before the run's playbook is looked up: by type, and only in what came after them."""
        if not webhooks or event.time < now() - self._kept:
            return []
        kind = event_type(event.type)
        return [w for w in webhooks if event.time >= w.created_at - _CLOCKS_DIFFER and w.wants_type(kind)]


def trial(webhook: Webhook, command: Envelope, at: datetime) -> Outgoing:
    """What a test sends."""
    return Outgoing(
        delivery_id=stable_id("msg", command.id),
        webhook_id=webhook.webhook_id,
        organization_id=webhook.organization_id,
        event_id=None,
        event_type=TEST_EVENT,
        run_id=None,
        body=orjson.dumps(trial_body(webhook, at)).decode(),
        created_at=at,
        since=at,
        correlation_id=command.correlation_id,
        traceparent=command.traceparent,
        is_trial=True,
    )


def _sent(webhooks: Sequence[Webhook], event: Envelope, playbook_id: str | None) -> Iterator[Outgoing]:
    current = event.model_copy(update={"data": upcast(event.type, event.version, event.data)})
    body = orjson.dumps(event_body(current, playbook_id)).decode()
    for webhook in webhooks:
        if webhook.wants(event_type(event.type), playbook_id):
            yield _outgoing(webhook, event, body, now())


def _outgoing(webhook: Webhook, event: Envelope, body: str, at: datetime) -> Outgoing:
    """Of one that is not active it is noted as failed, to be replayed."""
    is_active = webhook.status == "active"
    return Outgoing(
        delivery_id=stable_id("msg", event.id, webhook.webhook_id),
        webhook_id=webhook.webhook_id,
        organization_id=webhook.organization_id,
        event_id=event.id,
        event_type=event_type(event.type),
        run_id=event.key,
        body=body,
        created_at=at,
        since=at,
        correlation_id=event.correlation_id,
        traceparent=event.traceparent,
        status="pending" if is_active else "failed",
        error=None if is_active else f"the webhook was {webhook.status}",
    )
