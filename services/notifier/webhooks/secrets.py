"""Secrets of webhooks: made, kept encrypted under a key of the configuration, and opened to sign."""

import secrets
from base64 import b64decode, b64encode
from datetime import datetime

import structlog

from services.notifier.domain.webhooks import Secret, Webhook
from services.notifier.webhooks.store import WebhookStore
from shared.cipher import BrokenSeal
from shared.keyring import Keyring, Wrapped

_BYTES = 32
_SEALED = "sealed:"
log = structlog.get_logger()


class Secrets:
    """Kept is `sealed:<key id>:<nonce>:<ciphertext>`, bound to its webhook and version, so that it is no use elsewhere;
    where the installation has no ENCRYPTION_KEYS, the secret itself.
    """

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring

    def fresh(self, webhook_id: str, version: int) -> str:
        """A new one as it is kept."""
        return self._sealed(webhook_id, version, f"whsec_{b64encode(secrets.token_bytes(_BYTES)).decode()}")

    def opened(self, webhook_id: str, secret: Secret) -> str:
        """As its owner has it. Raises BrokenSeal."""
        if not secret.value.startswith(_SEALED):
            return secret.value
        by, nonce, ciphertext = secret.value.removeprefix(_SEALED).split(":")
        wrapped = Wrapped(by, b64decode(nonce), b64decode(ciphertext))
        return self._keyring.unwrap(wrapped, _place(webhook_id, secret.version)).decode()

    def signing(self, webhook: Webhook, now: datetime) -> list[str]:
        """All that are valid and can be opened, the newest first. Raises BrokenSeal where none can."""
        opened: list[str] = []
        fault: BrokenSeal | None = None
        for secret in webhook.signing(now):
            try:
                opened.append(self.opened(webhook.webhook_id, secret))
            except BrokenSeal as broken:
                fault = broken
        if fault is not None and not opened:
            raise fault
        return opened

    def resealed(self, webhook: Webhook) -> Webhook:
        """With all its secrets under the current key. Raises BrokenSeal."""
        whose = webhook.webhook_id
        kept = (self._sealed(whose, s.version, self.opened(whose, s)) for s in webhook.secrets)
        renewed = tuple(s.model_copy(update={"value": value}) for s, value in zip(webhook.secrets, kept, strict=True))
        return webhook.model_copy(update={"secrets": renewed, "written": webhook.written + 1})

    async def reseal(self, store: WebhookStore) -> None:
        """At the start: what is kept in clear, or under an older key, is encrypted under the current one.

        What can't be opened is told and left: nothing is sent with it until its key is there again, or it is rotated.
        """
        if self._keyring.current is None:
            log.warning("webhook_secrets_in_clear", reason="no ENCRYPTION_KEYS")
            return
        current = f"{_SEALED}{self._keyring.current}:"
        async for webhook in store.with_other_secrets(current):
            try:
                await _write(store, webhook, self)
            except BrokenSeal as fault:
                log.error("webhook_secret_not_resealed", webhook_id=webhook.webhook_id, reason=str(fault))

    def _sealed(self, webhook_id: str, version: int, clear: str) -> str:
        if self._keyring.current is None:
            return clear
        wrapped = self._keyring.wrap(clear.encode(), _place(webhook_id, version))
        nonce, ciphertext = (b64encode(part).decode() for part in (wrapped.nonce, wrapped.ciphertext))
        return f"{_SEALED}{wrapped.by}:{nonce}:{ciphertext}"


async def _write(store: WebhookStore, webhook: Webhook, kept: Secrets) -> None:
    """Whoever wrote it meanwhile wrote its old secrets again."""
    current: Webhook | None = webhook
    while current is not None and not await store.write(current, kept.resealed(current)):
        current = await store.get(webhook.organization_id, webhook.webhook_id)


def _place(webhook_id: str, version: int) -> str:
    return f"secret {version} of {webhook_id}"
