"""The id of an operation: which command it is, whom to ask how it came out, and when it was accepted."""

import hashlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, cast, get_args

from services.gateway.owners import not_found
from services.gateway.routes.paths import is_id
from shared.outcomes import RETENTION

Kind = Literal["run", "playbook", "policy", "calendar", "delegation", "bulk", "webhook"]
PREFIX = "op_"
_MAX_LENGTH = 400
_CHECK_LENGTH = 16
_NO_PARTS = ["", "", "", ""]


@dataclass(frozen=True, slots=True)
class OperationId:
    """A command, by its id and that of what it is about."""

    kind: Kind
    subject: str
    command_id: str
    accepted_at: datetime | None = None
    """To the second. None in ids of before 0083."""

    @property
    def name(self) -> str:
        """Returns the subject as paths have it: `default` of `calendar:default`."""
        return self.subject.removeprefix("calendar:") if self.kind == "calendar" else self.subject

    def is_expired(self, now: datetime) -> bool:
        """Returns whether its outcome may be no longer kept."""
        return self.accepted_at is not None and now - self.accepted_at > RETENTION

    def text(self, organization_id: str) -> str:
        """Opaque, and of use to that organisation only."""
        at = (str(int(self.accepted_at.timestamp())),) if self.accepted_at is not None else ()
        parts = (self.kind, self.subject, self.command_id, *at)
        whole = " ".join((*parts, _check(organization_id, *parts)))
        return PREFIX + urlsafe_b64encode(whole.encode()).decode().rstrip("=")

    @classmethod
    def read(cls, text: str, organization_id: str) -> "OperationId":
        """Raises Refused (NOT_FOUND) for what this organisation was never given."""
        *parts, check = _parts(text)
        kind, subject, command_id, *at = parts
        known = check == _check(organization_id, *parts)
        if known and kind in get_args(Kind) and is_id(subject) and is_id(command_id):
            accepted_at = datetime.fromtimestamp(int(at[0]), UTC) if at else None
            return cls(cast(Kind, kind), subject, command_id, accepted_at)
        raise not_found("Operation", "operation_id", text[:200])


def kind_of(text: str) -> str:
    """What it says that it is about, whoever made it; empty where it is no operation's id."""
    return _parts(text)[0]


def _parts(text: str) -> list[str]:
    """Kind, subject, command, when it was accepted (not in older ids), check; empty ones where it is no such text."""
    encoded = text.removeprefix(PREFIX)
    if not text.startswith(PREFIX) or len(text) > _MAX_LENGTH:
        return _NO_PARTS
    try:
        parts = urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).decode().split(" ")
    except ValueError:
        return _NO_PARTS
    return parts if len(parts) in (4, 5) else _NO_PARTS


def _check(organization_id: str, *parts: str) -> str:
    return hashlib.sha256("\0".join((organization_id, *parts)).encode()).hexdigest()[:_CHECK_LENGTH]
