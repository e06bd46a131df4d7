"""What a caller wants: the identity that a request gives its command."""

import hashlib
from dataclasses import dataclass, replace

from fastapi import Request

from services.gateway.admission import Admitted
from shared.http import invalid
from shared.ids import new_id, stable_id

_MAX_KEY_LENGTH = 200


@dataclass(frozen=True, slots=True)
class Wish:
    """One wish of a caller: with an Idempotency-Key, the same ids and fingerprint each time that it is sent."""

    organization_id: str
    command_id: str
    fingerprint: str | None
    asynchronous: bool = False
    """`Prefer: respond-async`: the caller looks for the outcome elsewhere."""
    former_id: str | None = None
    """The command id that its Idempotency-Key gave it when keys belonged to the organization (0082)."""

    def id_of(self, prefix: str) -> str:
        """The id of what the command creates."""
        return stable_id(prefix, self.command_id)

    @property
    def repeatable(self) -> list[tuple[str, str]]:
        """Parameters by which an owner tells over HTTP that it is sent again; none without an Idempotency-Key.

        Without the body's fingerprint: what a secret may be must not be guessed from an address.
        """
        return [] if self.fingerprint is None else [("command_id", self.command_id)]

    def told_by(self, fingerprint: str | None) -> "Wish":
        """With the fingerprint of a body whose values must not be guessed from its hash; None: the hash will do."""
        return self if fingerprint is None or self.fingerprint is None else replace(self, fingerprint=fingerprint)


def wish_of(request: Request, admitted: Admitted) -> Wish:
    """Raises Refused (VALIDATION_ERROR) for an Idempotency-Key that can't be one."""
    organization_id = admitted.identity.organization_id
    key, prefer = request.headers.get("idempotency-key"), request.headers.get("prefer", "")
    asynchronous = "respond-async" in [part.strip().lower() for part in prefer.split(",")]
    if key is None:
        return Wish(organization_id, new_id("cmd"), None, asynchronous)
    if not (0 < len(key) <= _MAX_KEY_LENGTH and key.isascii() and key.isprintable()):
        reason = f"1 to {_MAX_KEY_LENGTH} printable ASCII characters"
        raise invalid({"field": "Idempotency-Key", "value": key[:_MAX_KEY_LENGTH], "reason": reason})
    caller, place = admitted.identity.caller.id, (request.method, request.scope["path"], key)
    command_id, former_id = stable_id("cmd", organization_id, caller, *place), stable_id("cmd", organization_id, *place)
    return Wish(organization_id, command_id, hashlib.sha256(admitted.raw).hexdigest(), asynchronous, former_id)
