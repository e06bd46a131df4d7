"""Runs and their steps, as they are read."""

from typing import Any, Literal

from contracts.values import Moment
from services.gateway.shapes.answers import RunStatus, Shape, StepRow, StepStatus
from services.gateway.shapes.reads.lists import Listed


class Attempt(Shape):
    attempt: int
    status: StepStatus
    started_at: Moment | None = None
    ended_at: Moment | None = None
    completed_by: str | None = None
    on_behalf_of: str | None = None
    """Whose substitute completed it."""
    outcome: str | None = None


class RunStep(StepRow):
    """A step as its run shows it. What has no value is left out."""

    step_name: str
    step_type: Literal["form", "task", "approval", "automated"]
    is_required: bool
    attempt: int
    execution_mode: Literal["manual", "automated"] | None = None
    """Whether a person or a machine does it."""
    assignee_roles: list[str]
    """Whose holders may act on it; of a step that has not started, whose may then."""
    candidates: list[str] | None = None
    """Users who are named for it, of whom any may act."""
    due_at: Moment | None = None
    calendar: dict[str, Any] | None = None
    """Name and revision of the one that its dates were reckoned with; left out: around the clock."""
    blocked_at: Moment | None = None
    completed_at: Moment | None = None
    ended_at: Moment | None = None
    completed_by: str | None = None
    on_behalf_of: str | None = None
    """Whose substitute completed it."""
    outcome: str | None = None
    reason: str | None = None
    was_status: StepStatus | None = None
    """Of a paused step: what it will be again."""
    sla_breached: bool | None = None
    unmet_conditions: list[dict[str, Any]] | None = None
    approvals: list[dict[str, Any]] | None = None
    """Votes so far, where several are needed."""
    previous_attempts: list[Attempt] | None = None


class Run(Shape):
    run_id: str
    playbook_id: str
    status: RunStatus
    current_step: int | None
    created_at: Moment
    started_at: Moment | None
    ended_at: Moment | None
    smart_code: str | None
    steps_status: list[RunStep]
    outcome: str | None
    priority: str
    progress_percentage: float
    due_at: Moment | None
    sla_breached: bool
    """`due_at` has passed, the run still open."""
    paused_until: Moment | None
    playbook_name: str
    playbook_version: str
    playbook_revision: int
    version: int
    """Number of its events so far; its ETag."""
    allowed_actions: list[str]
    """What its status lets anybody do; who may is another matter."""
    created_by: str
    updated_at: Moment
    context: dict[str, Any]
    data: dict[str, Any]
    """Initial data, with each completion's data merged over it in order."""
    metadata: dict[str, Any]


class Wait(Shape):
    """One thing that must happen before the run goes on. Which fields there are depends on the kind."""

    kind: Literal["person", "automation", "condition", "resume", "retry", "steps"]
    explanation: str
    """A sentence."""
    since: Moment | None = None
    step_id: str | None = None
    assigned_to: str | None = None
    candidates: list[str] | None = None
    """Users who are named for it, of whom any may act."""
    substitutes: list[str] | None = None
    """Who may act in the place of one of these, or of a holder of one of the roles."""
    assignee_roles: list[str] | None = None
    higher_roles: list[str] | None = None
    """Those that may act because they stand above one of these, by the policy `role_order`."""
    required_roles: list[str] | None = None
    """Those of which also an assignee must hold one, by the policy `step_roles`."""
    anyone: bool | None = None
    """Anyone who may complete steps can act."""
    barred: list[str] | None = None
    """Users who may not act, by the policy `segregation_of_duties`, for what they have done; the first 20."""
    approvals: dict[str, Any] | None = None
    """Where several must approve: the votes so far, how many are `required`, and the `missing_roles` of a matrix."""
    approved_by: list[str] | None = None
    rejected_by: list[str] | None = None
    due_at: Moment | None = None
    overdue: bool | None = None
    conditions: list[dict[str, Any]] | None = None
    """Each with `condition`, `met`, and where it is not met `reason` and `actual_value`."""
    steps: list[str] | None = None
    """Ids of the steps that come first."""


class Waiting(Shape):
    run_id: str
    status: RunStatus
    version: int
    allowed_actions: list[str]
    summary: str
    waits_for: list[Wait]


class Step(RunStep):
    """A step of a run, with its history."""

    run_id: str
    description: str | None = None
    form_fields: list[dict[str, Any]]
    approval_options: list[dict[str, Any]]
    metadata: dict[str, Any]
    """What else the step's definition says: checklists, outputs, hints."""
    data: dict[str, Any]
    """What its completion brought."""
    attachments: list[dict[str, Any]]
    attempts: list[Attempt]
    """Oldest first; the last one is the current."""


class RunPage(Listed):
    runs: list[Run]
