"""Answers about webhooks, for the documentation."""

from typing import Literal

from pydantic import Field

from contracts.values import Moment
from services.gateway.shapes.answers import Shape, Warned
from services.gateway.shapes.reads.lists import Listed

WebhookStatus = Literal["active", "paused", "disabled"]


class OldSecret(Shape):
    """One that still signs, beside the current one."""

    version: int
    valid_until: Moment


class WebhookOutline(Shape):
    webhook_id: str
    organization_id: str
    url: str
    event_types: list[str]
    playbook_ids: list[str]
    """Empty: runs of all playbooks."""
    description: str
    contact: str | None
    status: WebhookStatus
    status_reason: str | None
    """Why it is paused or disabled."""
    failing_since: Moment | None
    """The first of the tries at this address that have all failed since."""
    secret_version: int
    old_secrets: list[OldSecret]
    revision: int
    """Its ETag."""
    created_at: Moment
    created_by: str
    updated_at: Moment
    updated_by: str
    warnings: list[Warned] = Field(default_factory=list)
    """Of what was created or changed: what is taken as it is, and is probably a mistake."""


class WebhookNote(Shape):
    type: Literal["webhook_created", "webhook_changed", "webhook_enabled", "webhook_disabled", "secret_rotated"]
    at: Moment
    by: str
    reason: str | None = None


class Webhook(WebhookOutline):
    events: list[WebhookNote]
    """What happened to it, the newest first; the last 50."""


class WebhookWithSecret(WebhookOutline):
    secret: str | None
    """`whsec_` and Base64. Shown here and never again; null where it is over already, or the webhook deleted."""


class WebhookDeleted(Shape):
    webhook_id: str
    status: Literal["deleted"]


class WebhookPage(Listed):
    webhooks: list[WebhookOutline]


class TrialSent(Shape):
    """What becomes of it stands among the deliveries."""

    delivery_id: str
    webhook_id: str
    status: Literal["pending"]


class Delivery(Shape):
    delivery_id: str
    """The `webhook-id` that the endpoint gets, the same for every try."""
    webhook_id: str
    event_type: str
    event_id: str | None
    """Null where it is a test."""
    run_id: str | None
    status: Literal["pending", "delivered", "failed"]
    tries: int
    """Since it was made, or replayed."""
    created_at: Moment
    next_try_at: Moment | None
    delivered_at: Moment | None
    last_try_at: Moment | None
    last_status_code: int | None
    """What the endpoint answered; null where it did not."""
    error: str | None


class DeliveryPage(Listed):
    deliveries: list[Delivery]


class Replayed(Shape):
    webhook_id: str
    replayed: int
    """How many deliveries."""
