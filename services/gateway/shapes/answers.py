"""Answers of commands, for the documentation. The services that own them may add fields; these are always there."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from contracts.definitions import PlaybookStatus
from contracts.rejections import Code
from contracts.values import Moment

RunStatus = Literal["active", "paused", "blocked", "completed", "failed", "cancelled"]
StepStatus = Literal["pending", "in_progress", "paused", "blocked", "completed", "failed", "skipped", "cancelled"]


class Shape(BaseModel):
    """Base of all answers: more fields may come."""

    model_config = ConfigDict(extra="allow", use_attribute_docstrings=True)


class ErrorBody(Shape):
    code: Code
    message: str
    details: dict[str, Any]
    """`field`, `value` and `reason` of what is wrong, or what the code needs; `errors` lists all that is wrong."""


class ErrorAnswer(Shape):
    success: Literal[False]
    error: ErrorBody


class Warned(Shape):
    field: str
    message: str


class PlaybookValidation(Shape):
    smart_code_valid: bool
    steps_valid: bool
    conditions_valid: bool
    warnings: list[Warned] = []


class PlaybookSize(Shape):
    """`estimated_duration_minutes` is the playbook's own, from its metadata."""

    total_steps: int
    required_steps: int
    parallel_steps: int
    automated_steps: int
    estimated_duration_minutes: float | None


class PlaybookCreated(Shape):
    playbook_id: str
    smart_code: str
    version: str
    status: Literal["active", "archived"]
    created_at: Moment
    created_by: str
    organization_id: str
    validation: PlaybookValidation
    metrics: PlaybookSize


class PlaybookChecked(Shape):
    """Of a dry run: nothing was written."""

    validation: PlaybookValidation
    metrics: PlaybookSize


class PlaybookRevised(PlaybookCreated):
    revision: int
    updated_at: Moment
    updated_by: str


class PlaybookStatusChanged(Shape):
    playbook_id: str
    smart_code: str
    revision: int
    previous_status: Literal["active", "archived"]
    status: PlaybookStatus
    updated_at: Moment
    updated_by: str


class Policy(Shape):
    policy: str
    revision: int
    """0 for the default, before any was put."""
    is_default: bool
    updated_at: Moment | None
    updated_by: str | None
    comment: str | None
    document: dict[str, Any]


class CalendarDocument(Shape):
    title: str | None
    time_zone: str
    hours: dict[str, list[str]]
    holidays: dict[str, Any]
    exceptions: list[dict[str, Any]]
    public_holidays: list[dict[str, str]]
    """Dates and names of those of the holidays' country."""
    public_holidays_until: str | None


class Calendar(Shape):
    calendar: str
    revision: int
    deleted: bool
    updated_at: Moment
    updated_by: str
    comment: str | None
    document: CalendarDocument


class Delegation(Shape):
    delegation_id: str
    delegator: str
    substitute: str
    roles: list[str] | None
    """Null: for all that the delegator may work on."""
    starts_at: Moment
    ends_at: Moment
    status: Literal["scheduled", "in_force", "ended", "revoked"]
    reason: str | None
    created_at: Moment
    created_by: str
    revoked_at: Moment | None
    revoked_by: str | None


class StepRow(Shape):
    step_id: str
    sequence: int
    status: StepStatus
    assigned_to: str | None = None
    started_at: Moment | None = None
    is_conditional: bool | None = None


class TimelineLine(Shape):
    """One event as it stands inside other answers."""

    timestamp: Moment
    event: str
    step: int | None = None
    actor: str
    details: dict[str, Any]


class RunStarted(Shape):
    run_id: str
    playbook_id: str
    status: RunStatus
    current_step: int | None
    created_at: Moment
    started_at: Moment | None
    smart_code: str | None
    steps_status: list[StepRow]
    timeline: list[TimelineLine]


class NextStep(Shape):
    """A step that is open now, with what is needed to work on it."""

    step_id: str
    sequence: int
    status: StepStatus
    assigned_to: str | None = None
    candidates: list[str] | None = None
    """Users who are named for it, of whom any may act."""
    substitutes: list[str] | None = None
    """Who may act just now for those whom it names."""
    started_at: Moment | None = None
    due_at: Moment | None = None
    step_name: str | None = None
    step_type: str | None = None
    execution_mode: Literal["manual", "automated"] | None = None
    assignee_roles: list[str] | None = None
    can_complete: bool | None = None
    """Whether the caller may complete it."""
    waits_for: list[dict[str, Any]] | None = None
    """Of a blocked step: the conditions that do not hold, and why."""
    form_fields: list[dict[str, Any]] | None = None
    approval_options: list[dict[str, Any]] | None = None
    metadata: dict[str, Any] | None = None
    """What else the step's definition says: checklists, outputs, hints."""
    data: dict[str, Any] | None = None
    left_out: list[str] | None = None
    """Fields that are left out because they are large: read the step, or the run."""


class RunProgress(Shape):
    run_id: str
    overall_status: RunStatus
    progress_percentage: float
    """(completed + skipped) / total; 100 only when the run has completed."""
    completed_steps: int
    total_steps: int


class StepCompleted(Shape):
    step_id: str
    status: StepStatus
    completed_at: Moment | None = None
    completed_by: str | None = None
    duration_minutes: float | None = None
    outcome: str | None = None
    on_behalf_of: str | None = None
    """Whose substitute completed it, or voted."""
    approvals: dict[str, Any] | None = None
    """The tally of a step that needs several approvals."""
    next_steps: list[NextStep]
    next_steps_total: int | None = None
    """How many are open, where `next_steps` has the first of them only."""
    run_status: RunProgress
    timeline_entry: TimelineLine | None


class AffectedStep(Shape):
    step_id: str
    status: StepStatus
    was_status: StepStatus


class Signalled(Shape):
    signal_id: str
    run_id: str
    signal_type: str
    previous_status: RunStatus
    new_status: RunStatus
    paused_until: Moment | None = None
    affected_steps: list[AffectedStep]
    timeline_entry: TimelineLine | None


class RunUpdated(Shape):
    run_id: str
    status: RunStatus
    priority: str
    version: int
    updated_at: Moment
    fields_updated: list[str]
    """Those of `metadata` as `metadata.<name>`; empty where nothing was sent."""
    timeline_entry: TimelineLine | None


class RunDataErased(Shape):
    """`timeline_entry` is null where there was nothing to erase."""

    run_id: str
    erased_fields: list[str]
    keys_destroyed: list[str]
    """Their ids."""
    timeline_entry: TimelineLine | None


class OrganizationDataErased(Shape):
    organization_id: str
    keys_destroyed: int
    """The organization's own; those of its runs are of no use without them."""
    erased_at: Moment


class KeyRotated(Shape):
    organization_id: str
    key_id: str
    """Of the key that is used from now on."""


class StepAssignment(NextStep):
    """`timeline_entry` is null where it was so already."""

    run_id: str
    timeline_entry: TimelineLine | None


class BulkMatches(Shape):
    """Of a dry run: how many runs the signal would go to now."""

    matched: int
    matched_is_exact: bool


class Accepted(Shape):
    """The command counts, once; its outcome is not known yet. It will be at `Location`."""

    operation: Literal["accepted"]
    operation_id: str
    run_id: str | None = None
    playbook_id: str | None = None
    step_id: str | None = None
    webhook_id: str | None = None
    signal_id: str | None = None
