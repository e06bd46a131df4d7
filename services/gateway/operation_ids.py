"""The id of an operation: which command it is, and whom to ask how it came out. Nothing is stored for it."""

import hashlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from typing import Literal, cast, get_args

from services.gateway.owners import not_found
from services.gateway.routes.paths import is_id

Kind = Literal["run", "playbook", "policy", "calendar", "delegation", "bulk", "webhook"]
PREFIX = "op_"
_MAX_LENGTH = 400
_CHECK_LENGTH = 16


@dataclass(frozen=True, slots=True)
class OperationId:
    """A command, by its id and that of what it is about."""

    kind: Kind
    subject: str
    command_id: str

    def text(self, organization_id: str) -> str:
        """Opaque, and of use to that organisation only."""
        parts = (self.kind, self.subject, self.command_id)
        whole = " ".join((*parts, _check(organization_id, *parts)))
        return PREFIX + urlsafe_b64encode(whole.encode()).decode().rstrip("=")

    @classmethod
    def read(cls, text: str, organization_id: str) -> "OperationId":
        """Raises Refused (NOT_FOUND) for what this organisation was never given."""
        kind, subject, command_id, check = _parts(text)
        known = check == _check(organization_id, kind, subject, command_id)
        if known and kind in get_args(Kind) and is_id(subject) and is_id(command_id):
            return cls(cast(Kind, kind), subject, command_id)
        raise not_found("Operation", "operation_id", text[:200])


def kind_of(text: str) -> str:
    """What it says that it is about, whoever made it; empty where it is no operation's id."""
    return _parts(text)[0]


def _parts(text: str) -> tuple[str, str, str, str]:
    """Empty ones where it is no such text."""
    encoded = text.removeprefix(PREFIX)
    if not text.startswith(PREFIX) or len(text) > _MAX_LENGTH:
        return "", "", "", ""
    try:
        parts = urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).decode().split(" ")
    except ValueError:
        return "", "", "", ""
    return (parts[0], parts[1], parts[2], parts[3]) if len(parts) == 4 else ("", "", "", "")


def _check(organization_id: str, *parts: str) -> str:
    return hashlib.sha256("\0".join((organization_id, *parts)).encode()).hexdigest()[:_CHECK_LENGTH]
