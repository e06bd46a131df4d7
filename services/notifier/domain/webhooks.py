"""A subscription as it is kept, and what of it may be shown."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Literal

from contracts.rejections import OTHER_BODY
from contracts.replies import Reply
from contracts.values import Contract, rfc3339
from contracts.webhooks import ANY_EVENT

Status = Literal["active", "paused", "disabled", "deleted"]
ANSWERS_KEPT = 32
"""A webhook's document holds the answers to this many of its last commands at most."""
ANSWERS_LEFT = 16
"""So many stay when older ones move to the store of outcomes."""
NOTES_KEPT = 50


class Secret(Contract):
    """What messages are signed with, until it is over."""

    version: int
    value: str
    """As it is kept."""
    valid_until: datetime | None = None

    def is_valid(self, now: datetime) -> bool:
        return self.valid_until is None or self.valid_until > now


class Note(Contract):
    """One line of a subscription's history."""

    type: Literal["webhook_created", "webhook_changed", "webhook_enabled", "webhook_disabled", "secret_rotated"]
    at: datetime
    by: str
    reason: str | None = None


class TakenCommand(Contract):
    """A command that was carried out, with its answer."""

    command_id: str
    fingerprint: str | None
    answer: dict[str, Any]


class Webhook(Contract):
    """`written` counts its writes, to guard the next one; `revision`, the ETag, counts what its owner sees change."""

    webhook_id: str
    organization_id: str
    url: str
    event_types: tuple[str, ...]
    playbook_ids: tuple[str, ...]
    description: str
    contact: str | None
    status: Status
    status_reason: str | None = None
    created_at: datetime
    created_by: str
    updated_at: datetime
    updated_by: str
    secrets: tuple[Secret, ...]
    """The newest first."""
    failing_since: datetime | None = None
    """When the first of the tries failed that have all failed since."""
    written: int = 1
    revision: int = 1
    notes: tuple[Note, ...] = ()
    taken: tuple[TakenCommand, ...] = ()

    @property
    def etag(self) -> str:
        return f'"{self.revision}"'

    def wants(self, event_type: str, playbook_id: str | None) -> bool:
        return self.wants_type(event_type) and (not self.playbook_ids or playbook_id in self.playbook_ids)

    def wants_type(self, event_type: str) -> bool:
        return ANY_EVENT in self.event_types or event_type in self.event_types

    def signing(self, now: datetime) -> list[Secret]:
        """The secrets that are valid now, the newest first."""
        return [secret for secret in self.secrets if secret.is_valid(now)]

    def fails_too_long(self, now: datetime, allowed: timedelta) -> bool:
        return self.failing_since is not None and now - self.failing_since >= allowed

    def answer_of(self, command_id: str) -> Reply | None:
        taken = next((t for t in self.taken if t.command_id == command_id), None)
        return Reply(result=taken.answer) if taken else None

    def answer_again(self, command_id: str, fingerprint: str | None) -> Reply | None:
        """The first answer to a command that was taken before; None for a new one."""
        taken = next((t for t in self.taken if t.command_id == command_id), None)
        if taken is None:
            return None
        if taken.fingerprint != fingerprint:
            return Reply(rejection=OTHER_BODY)
        return Reply(result=taken.answer, replayed=True)


def view(webhook: Webhook, now: datetime) -> dict[str, Any]:
    """As the API shows it: never a secret."""
    current, *older = webhook.signing(now)
    return {
        "webhook_id": webhook.webhook_id,
        "organization_id": webhook.organization_id,
        "url": webhook.url,
        "event_types": list(webhook.event_types),
        "playbook_ids": list(webhook.playbook_ids),
        "description": webhook.description,
        "contact": webhook.contact,
        "status": webhook.status,
        "status_reason": webhook.status_reason,
        "failing_since": _moment(webhook.failing_since),
        "secret_version": current.version,
        "old_secrets": [{"version": s.version, "valid_until": _moment(s.valid_until)} for s in older],
        "revision": webhook.revision,
        "created_at": rfc3339(webhook.created_at),
        "created_by": webhook.created_by,
        "updated_at": rfc3339(webhook.updated_at),
        "updated_by": webhook.updated_by,
    }


def history(webhook: Webhook) -> list[Mapping[str, Any]]:
    """The newest first."""
    shown = ({"type": n.type, "at": rfc3339(n.at), "by": n.by, "reason": n.reason} for n in reversed(webhook.notes))
    return [{name: value for name, value in note.items() if value is not None} for note in shown]


def _moment(at: datetime | None) -> str | None:
    return rfc3339(at) if at else None
