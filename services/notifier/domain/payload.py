"""What a webhook says: the body is made once, and every try sends the same bytes."""

from datetime import datetime
from typing import Any

from contracts.entries import entry
from contracts.envelope import Envelope
from contracts.values import rfc3339
from contracts.webhooks import TEST_EVENT
from services.notifier.domain.webhooks import Webhook


def event_body(event: Envelope, playbook_id: str | None) -> dict[str, Any]:
    """`event` has a payload of the current version; `data` is its entry of the timeline, and whose it is."""
    shown = entry(event)
    about = {
        "event_id": event.id,
        "run_id": event.key,
        "organization_id": event.organization_id,
        "playbook_id": playbook_id,
        "sequence": event.sequence,
    }
    return {"type": shown["event_type"], "timestamp": shown["timestamp"], "data": {**about, **shown}}


def trial_body(webhook: Webhook, at: datetime) -> dict[str, Any]:
    data = {
        "webhook_id": webhook.webhook_id,
        "organization_id": webhook.organization_id,
        "message": "This is a test; it stands for no event",
    }
    return {"type": TEST_EVENT, "timestamp": rfc3339(at), "data": data}
