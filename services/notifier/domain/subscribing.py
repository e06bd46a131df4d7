"""What a command makes of a subscription, or why it is refused."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from contracts.rejections import NO_LONGER_KEPT, Code, Rejection
from contracts.values import is_matched, rfc3339
from contracts.webhooks import (
    ChangeWebhook,
    CreateWebhook,
    DeleteWebhook,
    EnableWebhook,
    ReplayDelivery,
    ReplayFailedDeliveries,
    RotateWebhookSecret,
    TestWebhook,
    WebhookCommand,
)
from services.notifier.domain.webhooks import NOTES_KEPT, Note, Secret, Webhook, view

SECRETS_KEPT = 5
"""So many sign at a time, however often they are rotated."""


@dataclass(frozen=True, slots=True)
class By:
    """Who changes it, and when; with the secret that it gets if it needs a new one."""

    at: datetime
    who: str
    fresh_secret: str
    """As it is kept, of `next_version`."""


def next_version(webhook: Webhook | None) -> int:
    """Of the secret that it gets if it needs a new one."""
    return webhook.secrets[0].version + 1 if webhook is not None and webhook.secrets else 1


@dataclass(frozen=True, slots=True)
class Changed:
    webhook: Webhook
    answer: dict[str, Any]


def created(command: CreateWebhook, others: int, limit: int, by: By) -> Changed | Rejection:
    """`others`: how many the organisation has."""
    if others >= limit:
        return _too_many(limit)
    draft = command.draft
    webhook = Webhook(
        webhook_id=command.webhook_id,
        organization_id=command.organization_id,
        url=draft.url,
        event_types=tuple(dict.fromkeys(draft.event_types)),
        playbook_ids=tuple(dict.fromkeys(draft.playbook_ids)),
        description=draft.description,
        contact=draft.contact,
        status="active",
        created_at=by.at,
        created_by=by.who,
        updated_at=by.at,
        updated_by=by.who,
        secrets=(Secret(version=next_version(None), value=by.fresh_secret),),
        notes=(Note(type="webhook_created", at=by.at, by=by.who),),
    )
    return Changed(webhook, view(webhook, by.at))


def changed(webhook: Webhook | None, command: WebhookCommand, by: By) -> Changed | Rejection:
    """Of a subscription that should be there."""
    if webhook is None or webhook.status == "deleted":
        return not_found(command.webhook_id)
    match command:
        case CreateWebhook():
            return NO_LONGER_KEPT  # its id follows from the command: nobody else has created it
        case ChangeWebhook():
            return _revised(webhook, command, by)
        case DeleteWebhook():
            after = _touched(webhook, by, status="deleted", secrets=())
            return Changed(after, {"webhook_id": webhook.webhook_id, "status": "deleted"})
        case EnableWebhook():
            return _enabled(webhook, by)
        case RotateWebhookSecret():
            return _rotated(webhook, timedelta(seconds=command.old_valid_seconds), by)
        case ReplayDelivery() | ReplayFailedDeliveries() if webhook.status != "active":
            return _must_be_active(webhook)
        case TestWebhook() | ReplayDelivery() | ReplayFailedDeliveries():
            return Changed(_written(webhook), {})  # what they do is done to deliveries; here they are only taken
        case _:
            raise ValueError(f"{type(command).__name__} is no change of a webhook")


def disabled(webhook: Webhook, reason: str, at: datetime) -> Webhook:
    note = Note(type="webhook_disabled", at=at, by="system", reason=reason)
    by = By(at, "system", "")
    return _touched(webhook, by, note, status="disabled", status_reason=reason)


def not_found(webhook_id: str) -> Rejection:
    return Rejection(
        code=Code.NOT_FOUND,
        message=f"Webhook {webhook_id} was not found",
        details={"field": "webhook_id", "value": webhook_id},
    )


def _revised(webhook: Webhook, command: ChangeWebhook, by: By) -> Changed | Rejection:
    if command.if_match is not None and not is_matched(webhook.etag, command.if_match):
        return _changed_meanwhile(webhook, command.if_match)
    given = command.change.given()
    status = given.get("status", webhook.status)
    if webhook.status == "disabled" and status != "disabled":
        return _must_be_enabled(webhook, status)
    news = {name: value for name, value in _as_kept(given).items() if value != getattr(webhook, name)}
    if not news:
        return Changed(_written(webhook), view(webhook, by.at))
    reason = "paused by hand" if status == "paused" else webhook.status_reason if status == "disabled" else None
    note = Note(type="webhook_changed", at=by.at, by=by.who, reason=", ".join(sorted(news)))
    since = None if news.keys() & {"url", "status"} else webhook.failing_since  # what failed was another try
    after = _touched(webhook, by, note, **news, status_reason=reason, failing_since=since)
    return Changed(after, view(after, by.at))


def _as_kept(given: Mapping[str, Any]) -> dict[str, Any]:
    lists = {name: tuple(dict.fromkeys(given[name])) for name in ("event_types", "playbook_ids") if name in given}
    return {**given, **lists}


def _enabled(webhook: Webhook, by: By) -> Changed:
    note = Note(type="webhook_enabled", at=by.at, by=by.who)
    after = _touched(webhook, by, note, status="active", status_reason=None, failing_since=None)
    return Changed(after, view(after, by.at))


def _rotated(webhook: Webhook, overlap: timedelta, by: By) -> Changed:
    """Old secrets that are valid longer than asked for now are cut short."""
    until = by.at + overlap
    old = [s.model_copy(update={"valid_until": min(s.valid_until or until, until)}) for s in webhook.secrets]
    fresh = Secret(version=next_version(webhook), value=by.fresh_secret)
    still_valid = (s for s in old if s.valid_until is not None and s.valid_until > by.at)
    note = Note(type="secret_rotated", at=by.at, by=by.who, reason=f"the old one is valid until {rfc3339(until)}")
    after = _touched(webhook, by, note, secrets=(fresh, *still_valid)[:SECRETS_KEPT])
    return Changed(after, view(after, by.at))


def _touched(webhook: Webhook, by: By, note: Note | None = None, **fields: Any) -> Webhook:
    notes = (*webhook.notes, note)[-NOTES_KEPT:] if note else webhook.notes
    about: dict[str, Any] = {"updated_at": by.at, "updated_by": by.who, "notes": notes}
    return _written(webhook).model_copy(update={**about, "revision": webhook.revision + 1, **fields})


def _written(webhook: Webhook) -> Webhook:
    """The command is noted; its owner sees no change."""
    return webhook.model_copy(update={"written": webhook.written + 1})


def _too_many(limit: int) -> Rejection:
    reason = "Delete one that is not needed, or let one take more types of events"
    return Rejection(
        code=Code.CONFLICT,
        message=f"The organization has {limit} webhooks already",
        details={"field": "webhook", "reason": reason, "limit": limit},
    )


def _changed_meanwhile(webhook: Webhook, if_match: str) -> Rejection:
    details = {
        "field": "If-Match",
        "value": if_match,
        "reason": "The webhook was changed meanwhile: read it again and send its ETag",
        "current": webhook.etag,
    }
    return Rejection(code=Code.CONFLICT, message=f"Webhook {webhook.webhook_id} is at another ETag", details=details)


def _must_be_active(webhook: Webhook) -> Rejection:
    details = {
        "field": "webhook_id",
        "value": webhook.webhook_id,
        "reason": f"Nothing is sent to it: {webhook.status_reason}",
        "current_status": webhook.status,
        "allowed": ["enable"],
    }
    return Rejection(
        code=Code.INVALID_STATE, message=f"Webhook {webhook.webhook_id} is {webhook.status}", details=details
    )


def _must_be_enabled(webhook: Webhook, status: str) -> Rejection:
    details = {
        "field": "webhook.status",
        "value": status,
        "reason": f"It was disabled: {webhook.status_reason}",
        "current_status": webhook.status,
        "allowed": ["enable"],
    }
    return Rejection(
        code=Code.INVALID_STATE, message=f"Webhook {webhook.webhook_id} is disabled; POST …/enable", details=details
    )
