"""Secrets that were kept in clear, or under an older key of the configuration, are encrypted under the current one."""

from collections import Counter

import structlog

from services.notifier.domain.webhooks import Webhook
from services.notifier.webhooks.secrets import Secrets
from services.notifier.webhooks.store import WebhookStore
from shared.clock import now

log = structlog.get_logger()


class Resealing:
    def __init__(self, store: WebhookStore, secrets: Secrets) -> None:
        self._store = store
        self._secrets = secrets

    async def rewrap(self) -> None:
        """At the start, and by command.

        What can't be opened is told and left: nothing is sent with it until its key is there again, or it is rotated.
        """
        beginning = self._secrets.beginning
        if beginning is None:
            log.warning("webhook_secrets_in_clear", reason="no ENCRYPTION_KEYS")
            return
        async for webhook in self._store.with_other_secrets(beginning):
            await self._write(webhook)

    async def wrapped_by(self) -> Counter[str | None]:
        """How many that still sign, by the id of the key; None: in clear."""
        at = now()
        counted: Counter[str | None] = Counter()
        async for secrets in self._store.secrets():
            counted.update(self._secrets.wrapped_by(secret) for secret in secrets if secret.is_valid(at))
        return counted

    async def _write(self, webhook: Webhook) -> None:
        """Whoever wrote it meanwhile wrote its old secrets again."""
        current: Webhook | None = webhook
        while current is not None:
            after = self._secrets.resealed(current, now())
            if after.secrets == current.secrets or await self._store.write(current, after):
                return
            current = await self._store.get(webhook.organization_id, webhook.webhook_id)
