"""Webhooks: who is told of what happens, and what became of it."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

from .shapes import (
    Delivery,
    Replayed,
    TrialSent,
    Webhook,
    WebhookChange,
    WebhookDeleted,
    WebhookDraft,
    WebhookOutline,
    WebhookWithSecret,
)
from .transport import Transport

_ONE = "/webhooks/{}"


class Webhooks(Transport):
    async def create_webhook(
        self, webhook: WebhookDraft | Mapping[str, Any], key: str | None = None
    ) -> WebhookWithSecret:
        body = {"action": "create", "webhook": webhook}
        created: WebhookWithSecret = await self.command("POST", "/webhooks", body=body, key=key)
        return created

    async def webhook(self, webhook_id: str) -> Webhook:
        found: Webhook = await self.read(_ONE, webhook_id)
        return found

    def each_webhook(self, **query: Any) -> AsyncIterator[WebhookOutline]:
        """Of all pages; takes `status`."""
        return self.pages("/webhooks", items="webhooks", **query)

    async def change_webhook(
        self, webhook_id: str, change: WebhookChange | Mapping[str, Any], key: str | None = None
    ) -> WebhookOutline:
        body = {"action": "update", "webhook": change}
        changed: WebhookOutline = await self.command("PATCH", _ONE, webhook_id, body=body, key=key)
        return changed

    async def delete_webhook(self, webhook_id: str, key: str | None = None) -> WebhookDeleted:
        deleted: WebhookDeleted = await self.command("DELETE", _ONE, webhook_id, key=key)
        return deleted

    async def enable_webhook(self, webhook_id: str, key: str | None = None) -> WebhookOutline:
        enabled: WebhookOutline = await self._act(webhook_id, "enable", {"action": "enable"}, key)
        return enabled

    async def rotate_secret(
        self, webhook_id: str, old_valid_seconds: int | None = None, key: str | None = None
    ) -> WebhookWithSecret:
        """`old_valid_seconds`: for so long the secret of before signs too."""
        overlap = {} if old_valid_seconds is None else {"old_valid_seconds": old_valid_seconds}
        body = {"action": "rotate_secret", **overlap}
        rotated: WebhookWithSecret = await self._act(webhook_id, "rotate-secret", body, key)
        return rotated

    async def test_webhook(self, webhook_id: str, key: str | None = None) -> TrialSent:
        sent: TrialSent = await self._act(webhook_id, "test", {"action": "test"}, key)
        return sent

    def each_delivery(self, webhook_id: str, **query: Any) -> AsyncIterator[Delivery]:
        """Of all pages; takes `status`."""
        return self.pages(f"{_ONE}/deliveries", webhook_id, items="deliveries", **query)

    async def replay_delivery(self, webhook_id: str, delivery_id: str, key: str | None = None) -> Delivery:
        body = {"action": "replay"}
        replayed: Delivery = await self.command(
            "POST", f"{_ONE}/deliveries/{{}}/replay", webhook_id, delivery_id, body=body, key=key
        )
        return replayed

    async def replay_failed(self, webhook_id: str, since: str, key: str | None = None) -> Replayed:
        """Those of `since` (RFC 3339) or later."""
        replayed: Replayed = await self._act(webhook_id, "replay-failed", {"action": "replay", "since": since}, key)
        return replayed

    async def _act(self, webhook_id: str, action: str, body: Mapping[str, Any], key: str | None) -> Any:
        return await self.command("POST", f"{_ONE}/{action}", webhook_id, body=body, key=key)
