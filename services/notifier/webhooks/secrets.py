"""Secrets of webhooks: made, kept encrypted under a key of the configuration, and opened to sign."""

import secrets
from base64 import b64decode, b64encode
from datetime import datetime

import structlog

from services.notifier.domain.webhooks import Secret, Webhook
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

    @property
    def beginning(self) -> str | None:
        """Of what is kept under the current key; None where there is none."""
        return f"{_SEALED}{self._keyring.current}:" if self._keyring.current is not None else None

    def wrapped_by(self, secret: Secret) -> str | None:
        """The id of the key; None where it is kept in clear."""
        return secret.value.split(":")[1] if secret.value.startswith(_SEALED) else None

    def resealed(self, webhook: Webhook, now: datetime) -> Webhook:
        """With its valid secrets under the current key, but for those that can't be opened, and without the others."""
        kept = tuple(self._resealed(webhook.webhook_id, secret) for secret in webhook.signing(now))
        return webhook.model_copy(update={"secrets": kept, "written": webhook.written + 1})

    def _resealed(self, webhook_id: str, secret: Secret) -> Secret:
        if self.wrapped_by(secret) == self._keyring.current:
            return secret
        try:
            value = self._sealed(webhook_id, secret.version, self.opened(webhook_id, secret))
        except BrokenSeal as fault:
            log.error("webhook_secret_not_resealed", webhook_id=webhook_id, version=secret.version, reason=str(fault))
            return secret
        return secret.model_copy(update={"value": value})

    def _sealed(self, webhook_id: str, version: int, clear: str) -> str:
        if self._keyring.current is None:
            return clear
        wrapped = self._keyring.wrap(clear.encode(), _place(webhook_id, version))
        nonce, ciphertext = (b64encode(part).decode() for part in (wrapped.nonce, wrapped.ciphertext))
        return f"{_SEALED}{wrapped.by}:{nonce}:{ciphertext}"


def _place(webhook_id: str, version: int) -> str:
    return f"secret {version} of {webhook_id}"
