"""Commands to subscriptions: taken one after the other, each once, answered from what was written."""

from collections.abc import Callable
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from contracts.rejections import SET_ASIDE, Code, Rejection
from contracts.replies import Reply
from contracts.webhooks import (
    ChangeWebhook,
    CreateWebhook,
    DeleteWebhook,
    ReplayDelivery,
    ReplayFailedDeliveries,
    TestWebhook,
    WebhookCommand,
)
from services.notifier.domain.subscribing import By, Changed, changed, created, next_version, not_found
from services.notifier.domain.webhooks import TakenCommand, Webhook
from services.notifier.webhooks.deliveries import DeliveryStore, delivery_view
from services.notifier.webhooks.fan_out import trial
from services.notifier.webhooks.secrets import Secrets
from services.notifier.webhooks.store import WebhookStore
from shared import clock
from shared.addresses import Networks, forbidden_address
from shared.kafka import Batch, Parking, Publisher
from shared.messages import Message, Record, read, read_batch
from shared.outcomes import refusals_of
from shared.replies import reply_message


class CommandConsumer:
    """Taking a command twice changes nothing: a subscription keeps the answers to its last commands.

    `limit`: how many an organisation may have. `wake` is called when there may be something to send.
    """

    def __init__(
        self,
        webhooks: WebhookStore,
        deliveries: DeliveryStore,
        secrets: Secrets,
        publisher: Publisher,
        parking: Parking,
        allowed: Networks,
        limit: int,
        wake: Callable[[], None],
    ) -> None:
        self._webhooks = webhooks
        self._deliveries = deliveries
        self._secrets = secrets
        self._publisher = publisher
        self._parking = parking
        self._allowed = allowed
        self._limit = limit
        self._wake = wake

    async def handle(self, records: Batch) -> None:
        messages, unreadable = read_batch(records)
        if unreadable:
            await self._parking.park(unreadable)
        for message in messages:
            await self._answer(message, await self._take(message))
        self._wake()

    async def set_aside(self, record: Record, error: Exception) -> None:
        await self._parking.set_aside(record, error)
        message = read(record)
        if isinstance(message, Message):
            await self._answer(message, Reply(rejection=SET_ASIDE))

    async def _answer(self, message: Message, reply: Reply) -> None:
        if not reply.replayed:
            await self._webhooks.outcomes.save(refusals_of([(message, reply)]))
        outgoing = reply_message(message, reply, clock.now())
        await self._publisher.publish([outgoing] if outgoing else [])

    async def _take(self, message: Message) -> Reply:
        envelope, command = message.envelope, message.payload
        assert isinstance(command, WebhookCommand)
        if (command.organization_id, command.webhook_id) != (envelope.organization_id, envelope.key):
            return Reply(rejection=not_found(envelope.key))
        stored = await self._webhooks.outcomes.answer_again(message)
        if stored is not None:
            return stored
        while True:
            webhook = await self._webhooks.get(envelope.organization_id, envelope.key)
            again = webhook.answer_again(envelope.id, envelope.fingerprint) if webhook else None
            reply = again or await self._try(webhook, command, message)
            if reply is not None:
                return reply

    async def _try(self, webhook: Webhook | None, command: WebhookCommand, message: Message) -> Reply | None:
        """None where somebody else wrote it meanwhile."""
        outcome = await self._decided(webhook, command)
        if isinstance(outcome, Rejection):
            return Reply(rejection=outcome)
        # What is done to deliveries comes first and may be done again; the command is taken when it is done.
        answer = await self._effect(outcome, command, message)
        if isinstance(answer, Rejection):
            return Reply(rejection=answer)
        written = await self._webhooks.write(webhook, _noted(outcome.webhook, message, answer))
        return Reply(result=answer) if written else None

    async def _decided(self, webhook: Webhook | None, command: WebhookCommand) -> Changed | Rejection:
        url = _named_address(command)
        refused = _forbidden(url, self._allowed) if url else None
        if refused is not None:
            return refused
        fresh = self._secrets.fresh(command.webhook_id, next_version(webhook))
        by = By(clock.now(), command.caller.id, fresh)
        if isinstance(command, CreateWebhook) and webhook is None:
            return created(command, await self._webhooks.count(command.organization_id), self._limit, by)
        return changed(webhook, command, by)

    async def _effect(self, outcome: Changed, command: WebhookCommand, message: Message) -> dict[str, Any] | Rejection:
        """What is done beside the subscription, and what is answered."""
        now, webhook, envelope = clock.now(), outcome.webhook, message.envelope
        whose = (webhook.organization_id, webhook.webhook_id)
        match command:
            case DeleteWebhook():
                await self._deliveries.give_up(*whose, "the webhook was deleted")
            case TestWebhook():
                sent = trial(webhook, envelope, now)
                await self._deliveries.add([sent])
                return {"delivery_id": sent.delivery_id, "webhook_id": webhook.webhook_id, "status": "pending"}
            case ReplayDelivery():
                found = await self._deliveries.replay(*whose, command.delivery_id, now)
                return delivery_view(found) if found else _no_delivery(command.delivery_id)
            case ReplayFailedDeliveries():
                count = await self._deliveries.replay_failed(*whose, command.since, envelope.id, now)
                return {"webhook_id": webhook.webhook_id, "replayed": count}
        return outcome.answer


def _noted(webhook: Webhook, message: Message, answer: dict[str, Any]) -> Webhook:
    taken = TakenCommand(command_id=message.envelope.id, fingerprint=message.envelope.fingerprint, answer=answer)
    return webhook.model_copy(update={"taken": (*webhook.taken, taken)})


def _named_address(command: WebhookCommand) -> str | None:
    if isinstance(command, CreateWebhook):
        return command.draft.url
    return command.change.url if isinstance(command, ChangeWebhook) else None


def _forbidden(url: str, allowed: Networks) -> Rejection | None:
    """The refusal of an address that is written as one. What names lead to is looked at whenever something is sent."""
    host = urlsplit(url).hostname or ""
    try:
        ip_address(host)
    except ValueError:
        return None
    if not forbidden_address(host, allowed):
        return None
    details = {
        "field": "webhook.url",
        "value": url,
        "reason": f"{host} is a loopback, private or reserved address: webhooks go to public ones",
    }
    return Rejection(code=Code.VALIDATION_ERROR, message="Request validation failed", details=details)


def _no_delivery(delivery_id: str) -> Rejection:
    return Rejection(
        code=Code.NOT_FOUND,
        message=f"Delivery {delivery_id} was not found",
        details={"field": "delivery_id", "value": delivery_id},
    )
