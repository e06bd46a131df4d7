"""Sending: to the mail server first, then to the run's timeline, so that what the timeline says was sent was sent."""

import random

import structlog
from prometheus_client import Counter

from contracts import topics
from contracts.commands import RecordNotification
from contracts.values import SYSTEM_CALLER
from services.notifier.domain.mail import address_of, mail
from services.notifier.domain.retries import FOR_A_DAY
from services.notifier.settings import NotifierSettings
from services.notifier.smtp import Deferred, MailServer, Undeliverable
from services.notifier.store import EMAIL, Delivery, NoticeStore
from shared.clock import now
from shared.correlation import Correlation, set_correlation
from shared.ids import stable_id
from shared.kafka import Publisher
from shared.messages import OutgoingMessage, command_message

NOTIFICATIONS = Counter("hera_notifications", "Deliveries by what became of the try", ["result"])
for _result in ("accepted", "deferred", "failed"):
    NOTIFICATIONS.labels(_result)  # a series that begins with its first one shows no increase
log = structlog.get_logger()


class Sender:
    def __init__(
        self, settings: NotifierSettings, store: NoticeStore, publisher: Publisher, server: MailServer
    ) -> None:
        self._domain = settings.notifier_email_domain
        self._store = store
        self._publisher = publisher
        self._server = server

    async def claim(self) -> Delivery | None:
        return await self._store.claim(now())

    async def deliver(self, delivery: Delivery) -> None:
        """One try, or the rest of one that was cut short after the server had accepted the mail."""
        set_correlation(Correlation(delivery.correlation_id, delivery.traceparent))
        if delivery.status == "pending" and not await self._send(delivery):
            return
        record = record_command(delivery)
        await self._publisher.publish([record] if record else [])
        await self._store.mark(delivery.delivery_id, "sent")
        log.info("notification_sent", delivery_id=delivery.delivery_id, type=delivery.notice.type)

    async def _send(self, delivery: Delivery) -> bool:
        address = address_of(delivery.notice.recipient, self._domain)
        if address is None:
            await self._give_up(delivery, "the user id makes no e-mail address (NOTIFIER_EMAIL_DOMAIN)")
            return False
        try:
            await self._server.send(delivery.delivery_id, mail(delivery.notice, address))
        except Undeliverable as error:
            await self._give_up(delivery, str(error))
            return False
        except Deferred as error:
            await self._defer(delivery, str(error))
            return False
        NOTIFICATIONS.labels("accepted").inc()
        await self._store.mark(delivery.delivery_id, "accepted")
        return True

    async def _defer(self, delivery: Delivery, reason: str) -> None:
        at = FOR_A_DAY.next_try(delivery.created_at, delivery.tries, now(), random.random())
        if at is None:
            await self._give_up(delivery, f"given up after a day: {reason}")
            return
        NOTIFICATIONS.labels("deferred").inc()
        log.warning("notification_deferred", delivery_id=delivery.delivery_id, reason=reason, next_try=at.isoformat())
        await self._store.try_again(delivery.delivery_id, at, reason)

    async def _give_up(self, delivery: Delivery, reason: str) -> None:
        """The run's timeline says that nobody was told."""
        record = record_command(delivery, failure=reason)
        await self._publisher.publish([record] if record else [])
        NOTIFICATIONS.labels("failed").inc()
        log.error("notification_failed", delivery_id=delivery.delivery_id, reason=reason)
        await self._store.mark(delivery.delivery_id, "failed", reason)


def record_command(delivery: Delivery, failure: str | None = None) -> OutgoingMessage | None:
    """However often it is published, it has one id and counts once. None where it is about no run."""
    notice = delivery.notice
    if notice.run_id is None:
        return None
    command = RecordNotification(
        caller=SYSTEM_CALLER, recipient=notice.recipient, notification_type=notice.type, channel=EMAIL,
        step_id=notice.step_id, failure=failure, on_behalf_of=notice.on_behalf_of,
    )  # fmt: skip
    return command_message(
        topics.RUN_COMMANDS.name,
        notice.run_id,
        command,
        message_id=stable_id("cmd", "notification", delivery.delivery_id, *(["failed"] if failure else [])),
        organization_id=notice.organization_id,
        correlation_id=delivery.correlation_id,
        causation_id=delivery.causation_id,
        traceparent=delivery.traceparent,
        time=now(),
    )
