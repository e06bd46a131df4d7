"""Who is told by e-mail that a subscription was disabled."""

from collections.abc import Callable

from services.notifier.domain.notices import Notice
from services.notifier.domain.webhooks import Webhook
from services.notifier.store import EMAIL, Delivery, NoticeStore
from shared.clock import now
from shared.correlation import correlation


class DisabledNotices:
    """`wake` is called when there is a mail to send; None where no mail server is configured."""

    def __init__(self, store: NoticeStore, wake: Callable[[], None] | None) -> None:
        self._store = store
        self._wake = wake

    async def add(self, webhook: Webhook, reason: str) -> None:
        """One for each time that it is disabled: to its contact, else to who made it."""
        if self._wake is None:
            return
        await self._store.add([_delivery(webhook, webhook.contact or webhook.created_by, reason)])
        self._wake()


def _delivery(webhook: Webhook, contact: str, reason: str) -> Delivery:
    notice = Notice(
        run_id=None,
        sequence=webhook.written,
        organization_id=webhook.organization_id,
        recipient=contact,
        type="webhook_disabled",
        webhook_id=webhook.webhook_id,
        url=webhook.url,
        reason=reason,
    )
    return Delivery(
        delivery_id=f"{webhook.webhook_id}:{webhook.written}:{EMAIL}",
        notice=notice,
        status="pending",
        tries=0,
        created_at=now(),
        correlation_id=correlation().correlation_id,
        causation_id=webhook.webhook_id,
        traceparent=correlation().traceparent,
    )
