"""The secret that a call is sent with: into which header it goes, and that no answer brings it back."""

import contextlib
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from standardwebhooks import Webhook as Signer
from standardwebhooks.webhooks import EmptyWebhookSecretError

from contracts.encrypted import MASK
from contracts.secrets import AuthScheme
from services.automation.domain.answers import Outcome


@dataclass(frozen=True, slots=True)
class Credential:
    """What `automation_config.auth` names, with the secret's value, which its repr leaves out."""

    scheme: AuthScheme
    value: str
    user: str = ""
    header: str = ""

    def __repr__(self) -> str:
        return f"Credential({self.scheme})"

    def headers(self, message_id: str, body: bytes, at: datetime) -> dict[str, str]:
        match self.scheme:
            case "bearer":
                return {"Authorization": f"Bearer {self.value}"}
            case "basic":
                return {"Authorization": f"Basic {self._basic()}"}
            case "header":
                return {self.header: self.value}
            case "signature":
                return self._signature(message_id, body, at)

    def without_secret(self, outcome: Outcome) -> Outcome:
        """Returns the outcome with a mask where the endpoint's answer repeats the secret."""
        traces = (self.value, *([self._basic()] if self.scheme == "basic" else []))
        return replace(outcome, data=_masked(outcome.data, traces), error=_masked(outcome.error, traces))

    def _basic(self) -> str:
        return b64encode(f"{self.user}:{self.value}".encode()).decode()

    def _signature(self, message_id: str, body: bytes, at: datetime) -> dict[str, str]:
        """By the Standard Webhooks scheme, as our webhooks are signed."""
        return {
            "webhook-id": message_id,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": _signer(self.value).sign(msg_id=message_id, timestamp=at, data=body.decode()),
        }


def _signer(value: str) -> Signer:
    """A secret of the form `whsec_<base64>` stands for the bytes that it encodes, any other for its own."""
    if value.startswith("whsec_"):
        with contextlib.suppress(ValueError, EmptyWebhookSecretError):
            return Signer(value)
    return Signer(value.encode())


def credential_of(auth: Mapping[str, Any], value: str) -> Credential:
    """`auth` as the registry has checked it."""
    return Credential(auth["scheme"], value, str(auth.get("user") or ""), str(auth.get("header") or ""))


def _masked(held: Any, traces: tuple[str, ...]) -> Any:
    if isinstance(held, str):
        for trace in traces:
            held = held.replace(trace, MASK)
        return held
    if isinstance(held, dict):
        return {_masked(name, traces): _masked(value, traces) for name, value in held.items()}
    return [_masked(item, traces) for item in held] if isinstance(held, list) else held
