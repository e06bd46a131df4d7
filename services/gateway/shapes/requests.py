"""Bodies of requests. What they hold beyond these fields is kept or ignored, unless it says otherwise."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from contracts import bulk
from contracts.definitions import PlaybookDraft, SmartCode
from contracts.policies import MAX_ROLES, Word
from contracts.secrets import VALUE_PATTERN
from contracts.signals import Signal
from contracts.values import Attachment, Moment
from contracts.webhooks import MAX_OLD_SECRET_SECONDS, OLD_SECRET_SECONDS, WebhookChange, WebhookDraft


class Body(BaseModel):
    """What every body with an organisation has; `organization_id` must be the token's."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    organization_id: str


class PlaybookCreation(Body):
    action: Literal["create"] = "create"
    playbook: PlaybookDraft


class PlaybookRevision(Body):
    action: Literal["update"] = "update"
    playbook: PlaybookDraft


class PlaybookArchiving(Body):
    action: Literal["archive"] = "archive"


class PlaybookRestoring(Body):
    action: Literal["restore"] = "restore"


class PolicyPut(Body):
    """The whole document; what it leaves out is as it is by default."""

    action: Literal["update"] = "update"
    document: dict[str, Any]
    comment: str | None = Field(default=None, max_length=2000)


class CalendarPut(Body):
    """The whole calendar."""

    action: Literal["update"] = "update"
    document: dict[str, Any]
    comment: str | None = Field(default=None, max_length=2000)


class PolicyTrial(Body):
    """The document as it would be put."""

    action: Literal["try"] = "try"
    document: dict[str, Any]
    playbooks_cursor: str | None = Field(default=None, min_length=1, max_length=1000)
    """`playbooks.next` of the trial before; only playbooks are looked at, unless `runs_cursor` is there too."""
    runs_cursor: str | None = Field(default=None, min_length=1, max_length=1000)


class DelegationRequest(BaseModel):
    """Who stands in for whom, and for how long."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    substitute: Word
    delegator: Word | None = None
    """The caller, where none is named; anybody else needs `step:override`."""
    roles: list[Word] | None = Field(default=None, min_length=1, max_length=MAX_ROLES)
    """Only for steps that ask for one of these roles; without it, for all that the delegator may work on."""
    starts_at: Moment | None = None
    """At once, where none is given."""
    ends_at: Moment
    reason: str | None = Field(default=None, max_length=2000)


class DelegationCreation(Body):
    action: Literal["create"] = "create"
    delegation: DelegationRequest


class RunRequest(BaseModel):
    """What a run starts with. What is none of these fields belongs into one of them."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    playbook_id: str = Field(min_length=1, max_length=200)
    smart_code: SmartCode | None = None
    context: dict[str, Any] = Field(default_factory=dict)
    initial_data: dict[str, Any] = Field(default_factory=dict)
    metadata: dict[str, Any] = Field(default_factory=dict)


class RunCreation(Body):
    action: Literal["create"] = "create"
    run: RunRequest


class RunChange(BaseModel):
    """What of a run is changed: values are merged over those that are there."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    data: dict[str, Any] = Field(default_factory=dict)
    metadata: dict[str, Any] = Field(default_factory=dict)
    priority: str | None = Field(default=None, min_length=1, max_length=100)


class RunUpdate(Body):
    action: Literal["update"] = "update"
    run: RunChange


class SecretValue(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    value: Annotated[Any, WithJsonSchema({"type": "string", "pattern": VALUE_PATTERN, "writeOnly": True})]
    """Checked by the route, whose refusal does not repeat it."""


class SecretPut(Body):
    action: Literal["update"] = "update"
    secret: SecretValue


class KeyRotation(Body):
    action: Literal["rotate"] = "rotate"


class StepClaim(Body):
    action: Literal["claim"] = "claim"


class StepRelease(Body):
    action: Literal["release"] = "release"
    reason: str | None = Field(default=None, max_length=2000)


class Completion(BaseModel):
    """What came of a step. `outcome` is `success`, `failure`, or an action of the step's approval options.

    What a form does not name belongs into `data`, where it is kept.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    outcome: str = Field(default="success", min_length=1, max_length=100)
    completed_by: str | None = Field(default=None, min_length=1, max_length=200)
    data: dict[str, Any] = Field(default_factory=dict)
    attachments: list[Attachment] = Field(default_factory=list)
    next_step_assignments: dict[str, list[str]] = Field(default_factory=dict)


class StepCompletion(Body):
    action: Literal["complete"] = "complete"
    completion: Completion


class RunSignal(Body):
    action: Literal["signal"] = "signal"
    signal: Signal


class DateRange(BaseModel):
    """Runs created from `start` on and before or at `end`."""

    model_config = ConfigDict(extra="forbid")
    start: datetime | None = None
    end: datetime | None = None


class AnalyticsFilters(BaseModel):
    """What is left out lets everything through."""

    model_config = ConfigDict(extra="forbid")
    date_range: DateRange | None = None
    playbook_ids: list[str] | None = None
    statuses: list[Literal["active", "paused", "blocked", "completed", "failed", "cancelled"]] | None = None
    entity_types: list[str] | None = None


class RunSelection(bulk.RunSelection):
    """Which runs: those that are named, or all of the organisation's that fit. Ranges include their ends.

    What is no filter is refused: misspelt, it would let the signal through to more runs than are meant.
    """

    model_config = ConfigDict(extra="forbid")


class BulkSignal(Body):
    model_config = ConfigDict(extra="forbid")
    action: Literal["bulk_signal"] = "bulk_signal"
    filter: RunSelection
    signal: Signal


class AnalyticsQuery(Body):
    """Checked by the service that answers it; here for the documentation."""

    filters: AnalyticsFilters | None = None
    group_by: (
        list[Literal["outcome", "week", "day", "month", "status", "playbook", "entity_type", "priority"]] | None
    ) = None
    metrics: list[Literal["count", "duration", "sla_compliance"]] | None = None


class WebhookCreation(Body):
    action: Literal["create"] = "create"
    webhook: WebhookDraft


class WebhookUpdate(Body):
    action: Literal["update"] = "update"
    webhook: WebhookChange


class WebhookEnabling(Body):
    action: Literal["enable"] = "enable"


class SecretRotation(Body):
    """`old_valid_seconds`: for so long the secret of before signs too."""

    action: Literal["rotate_secret"] = "rotate_secret"
    old_valid_seconds: int = Field(default=OLD_SECRET_SECONDS, ge=0, le=MAX_OLD_SECRET_SECONDS)


class WebhookTest(Body):
    action: Literal["test"] = "test"


class DeliveryReplay(Body):
    action: Literal["replay"] = "replay"


class FailedReplay(Body):
    """`since`: only deliveries of then or later."""

    action: Literal["replay"] = "replay"
    since: Moment
