"""Sending: tried until the endpoint takes it, for a day; an endpoint that fails for days is disabled."""

import asyncio
import random
from datetime import timedelta

import structlog
from prometheus_client import Counter as CountMetric
from prometheus_client import Gauge

from contracts.values import rfc3339
from services.notifier.domain.retries import Schedule
from services.notifier.domain.subscribing import disabled
from services.notifier.domain.webhooks import Webhook
from services.notifier.webhooks.calls import Endpoints
from services.notifier.webhooks.deliveries import Attempt, DeliveryStore, Outgoing
from services.notifier.webhooks.notices import DisabledNotices
from services.notifier.webhooks.shares import Shares
from services.notifier.webhooks.store import WebhookStore
from shared.clock import now
from shared.correlation import Correlation, set_correlation

SENT = CountMetric("hera_webhook_deliveries", "Tries to deliver webhooks by what became of them", ["outcome"])
PENDING = Gauge("hera_webhook_pending", "Webhook deliveries that wait for their next try")
OLDEST_SECONDS = Gauge("hera_webhook_oldest_pending_seconds", "Age of the oldest webhook delivery that waits")
DISABLED = CountMetric("hera_webhooks_disabled", "Webhooks that were disabled because their endpoint failed")
_LOOK_SECONDS = 5.0
_GONE = 410
_PERSISTING = timedelta(hours=1)
"""For so long the message at hand must have failed too: where few come, days may lie between the tries of two."""
log = structlog.get_logger()


class WebhookSender:
    """What one instance sends."""

    def __init__(
        self,
        webhooks: WebhookStore,
        deliveries: DeliveryStore,
        endpoints: Endpoints,
        notices: DisabledNotices,
        schedule: Schedule,
        disabled_after: timedelta,
        shares: Shares,
    ) -> None:
        self._webhooks = webhooks
        self._deliveries = deliveries
        self._endpoints = endpoints
        self._notices = notices
        self._schedule = schedule
        self._disabled_after = disabled_after
        self._shares = shares

    async def claim(self) -> Outgoing | None:
        await self._shares.know(await self._deliveries.turns())
        at = now()
        delivery = await self._deliveries.claim(at, lambda webhook_id: self._shares.are_taken(webhook_id, at))
        if delivery:
            self._shares.take(delivery.webhook_id, delivery.organization_id)
        return delivery

    async def deliver(self, delivery: Outgoing) -> None:
        """One try."""
        set_correlation(Correlation(delivery.correlation_id, delivery.traceparent))
        try:
            await self._deliver(delivery)
        except asyncio.CancelledError:
            await self._deliveries.release(delivery, now())
            raise
        finally:
            self._shares.give_back(delivery.webhook_id, delivery.organization_id)

    async def watch(self) -> None:
        """One round of a loop that keeps the gauges true."""
        count, since = await self._deliveries.waiting()
        PENDING.set(count)
        OLDEST_SECONDS.set((now() - since).total_seconds() if since else 0)
        await asyncio.sleep(_LOOK_SECONDS)

    async def _deliver(self, delivery: Outgoing) -> None:
        webhook = await self._webhooks.get(delivery.organization_id, delivery.webhook_id)
        if webhook is None or webhook.status == "deleted":
            await self._deliveries.failed(delivery, "the webhook was deleted")
        elif webhook.status != "active" and not delivery.is_trial:
            await self._deliveries.failed(delivery, f"the webhook was {webhook.status}")
        else:
            attempt = await self._endpoints.call(webhook, delivery)
            note = self._failed if attempt.error else self._taken
            await note(webhook, delivery, attempt)

    async def _taken(self, webhook: Webhook, delivery: Outgoing, attempt: Attempt) -> None:
        SENT.labels("delivered").inc()
        await self._deliveries.delivered(delivery, attempt)
        if webhook.failing_since is not None:
            await self._webhooks.works(webhook.webhook_id)
        log.info("webhook_delivered", delivery_id=delivery.delivery_id, webhook_id=webhook.webhook_id)

    async def _failed(self, webhook: Webhook, delivery: Outgoing, attempt: Attempt) -> None:
        log.warning(
            "webhook_not_delivered", delivery_id=delivery.delivery_id, webhook_id=webhook.webhook_id,
            organization_id=webhook.organization_id, error=attempt.error, tries=delivery.tries,
        )  # fmt: skip
        asked = timedelta(seconds=attempt.retry_after)
        again = self._schedule.next_try(delivery.since, delivery.tries, now(), random.random(), asked)
        if asked:
            self._shares.rest(webhook.webhook_id, now() + min(asked, self._schedule.longest), now())
        if delivery.is_trial or again is None or attempt.status_code == _GONE:
            SENT.labels("failed").inc()
            await self._deliveries.failed(delivery, attempt.error or "", attempt)
        else:
            SENT.labels("deferred").inc()
            await self._deliveries.try_again(delivery, again, attempt)
        if not delivery.is_trial and not attempt.is_ours:
            await self._note_failure(webhook, delivery, attempt)

    async def _note_failure(self, webhook: Webhook, delivery: Outgoing, attempt: Attempt) -> None:
        if attempt.status_code == _GONE:
            await self._disable(webhook, "the endpoint answered 410: it is gone for good")
        elif webhook.failing_since is None:
            await self._webhooks.begins_to_fail(webhook.webhook_id, attempt.at)
        elif webhook.fails_too_long(attempt.at, self._disabled_after) and attempt.at - delivery.since >= _PERSISTING:
            since = rfc3339(webhook.failing_since)
            await self._disable(webhook, f"every try has failed since {since}; the last: {attempt.error}")

    async def _disable(self, tried: Webhook, reason: str) -> None:
        """Unless it was given another address meanwhile, of which the try says nothing."""
        whose = (tried.organization_id, tried.webhook_id)
        while (current := await self._webhooks.get(*whose)) is not None and current.url == tried.url:
            if current.status != "active":
                await self._deliveries.give_up(*whose, f"the webhook was disabled: {reason}")
                return
            # The notice first: it is stored once for each time, and a crash in between leaves both to the next try.
            await self._notices.add(tried, reason)
            if await self._webhooks.write(current, disabled(current, reason, now())):
                DISABLED.inc()
                log.error("webhook_disabled", webhook_id=tried.webhook_id, reason=reason)
