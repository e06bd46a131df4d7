"""Answers of reads, for the documentation."""

from typing import Any, Literal

from contracts.definitions import StepDefinition
from contracts.values import Moment
from services.gateway.shapes.answers import (
    Calendar,
    Delegation,
    ErrorBody,
    PlaybookSize,
    Policy,
    RunStatus,
    Shape,
    StepRow,
    StepStatus,
)


class PlaybookOutline(Shape):
    """A playbook's current revision, without its steps."""

    playbook_id: str
    revision: int
    organization_id: str
    name: str
    description: str | None
    smart_code: str
    type: str
    category: str | None
    version: str
    metadata: dict[str, Any]
    created_at: Moment
    created_by: str
    status: Literal["active", "archived"]
    updated_at: Moment
    updated_by: str
    metrics: PlaybookSize


class RevisionNote(Shape):
    revision: int
    version: str
    created_at: Moment
    created_by: str


class Playbook(PlaybookOutline):
    steps: list[StepDefinition]
    revisions: list[RevisionNote]
    """Oldest first; each can be read at `…/revisions/{revision}`."""


class Revision(Shape):
    """A playbook as one of its revisions had it."""

    playbook_id: str
    revision: int
    organization_id: str
    name: str
    description: str | None
    smart_code: str
    type: str
    category: str | None
    version: str
    metadata: dict[str, Any]
    created_at: Moment
    created_by: str
    steps: list[StepDefinition]


class Listed(Shape):
    next: str | None
    """`cursor` of the next page; null on the last. It goes with the same filters and order only."""
    total: int
    """Of the whole list."""
    total_is_exact: bool
    """False where there are more than `total`."""


class PlaybookPage(Listed):
    playbooks: list[PlaybookOutline]


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
    """Of a step that was started; empty before."""
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
    assignee_roles: list[str] | None = None
    anyone: bool | None = None
    """Anyone who may complete steps can act."""
    due_at: Moment | None = None
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


class Task(Shape):
    """An open step that waits for the caller, or for one of the caller's roles."""

    run_id: str
    playbook_id: str
    playbook_name: str
    step_id: str
    step_name: str
    step_type: str
    description: str | None
    sequence: int
    status: str
    assigned_to: str | None
    candidates: list[str]
    """Users who are named for it, of whom any may act."""
    substitutes: list[str]
    """Who may act just now for those whom it names."""
    on_behalf_of: str | None
    """For whom the caller would do it; null where it is for themselves."""
    can_complete: bool
    """False where a rule of segregation keeps the caller from it."""
    assignee_roles: list[str]
    priority: str
    started_at: Moment | None
    due_at: Moment | None
    sla_breached: bool
    form_fields: list[dict[str, Any]]
    approval_options: list[dict[str, Any]]
    metadata: dict[str, Any]
    """What else the step's definition says: checklists, outputs, hints."""
    entity: dict[str, Any]
    """What of `entity_type`, `entity_id` and `entity_name` the run's context names."""
    context: dict[str, Any]
    data: dict[str, Any] | None = None
    """The run's, which the step may need."""
    left_out: list[str] | None = None
    """`data`, where it is large: read the run."""


class TaskPage(Listed):
    tasks: list[Task]
    """May be fewer than `limit` where some of them were done in this very moment."""


class TaskCounts(Shape):
    """Of the caller's tasks."""

    total: int
    assigned_to_me: int
    unassigned: int
    overdue: int
    by_priority: dict[str, int]


class TimelineEvent(Shape):
    timestamp: Moment
    event_type: str
    step_sequence: int | None = None
    actor: str
    actor_type: Literal["user", "system", "service"]
    details: dict[str, Any]
    smart_code: str
    is_system_event: bool | None = None


class TimelineSummary(Shape):
    """Counts what is shown; `time_elapsed_minutes` is last minus first event."""

    total_events: int
    user_events: int
    system_events: int
    time_elapsed_minutes: float
    current_status: RunStatus


class Timeline(Shape):
    run_id: str
    timeline: list[TimelineEvent]
    summary: TimelineSummary


class ChainBreak(Shape):
    sequence: int
    reason: str


class ChainVerification(Shape):
    status: Literal["verified", "broken", "incomplete"]
    events: int
    expected_events: int
    """What the engine counts."""
    head_hash: str | None
    """Of the run's last event, as the engine keeps it."""
    algorithm: str
    broken: ChainBreak | None = None
    """The first event that does not hold."""
    missing_from: int | None = None
    """Of an incomplete history: the first event that is not there."""


class Verification(ChainVerification):
    run_id: str


class Evidence(Timeline):
    format: str
    organization_id: str
    exported_at: Moment
    exported_by: str
    run: Run
    playbook: Revision
    events: list[dict[str, Any]]
    """As they were written, in order, each with `hash` and `previous_hash`."""
    verification: ChainVerification


class ExecutionStats(Shape):
    """`completion_rate` = 100 × completed / total. Paused and blocked runs count among `active_runs`."""

    total_runs: int
    completed_runs: int
    active_runs: int
    cancelled_runs: int
    failed_runs: int
    completion_rate: float | None
    average_duration_hours: float | None
    median_duration_hours: float | None


class StepPerformance(Shape):
    """`success_rate` = 100 × completed / executions. `bottleneck_score` = min(1, average duration / the playbook's
    `estimated_duration_minutes`), or over the median run duration where none is given."""

    step_sequence: int
    step_name: str
    executions: int
    avg_duration_minutes: float | None
    success_rate: float | None
    bottleneck_score: float | None


class SlaCompliance(Shape):
    """Over completed runs: `compliance_rate` = 100 × met / (met + missed); `average_overrun_hours` over missed runs.
    Paused time is left out."""

    target_hours: float | None
    met_sla: int
    missed_sla: int
    compliance_rate: float | None
    average_overrun_hours: float | None


class UserPerformance(Shape):
    """`quality_score` = 100 × completions that were right the first time (no return, retry, contract rejection or
    missed SLA) / completions. `avg_completion_time` is in minutes."""

    user_id: str
    steps_completed: int
    avg_completion_time: float | None
    quality_score: float | None


class MetricsBody(Shape):
    execution_stats: ExecutionStats
    step_performance: list[StepPerformance]
    outcome_distribution: dict[str, int]
    """Sums to `total_runs`."""
    sla_compliance: SlaCompliance
    user_performance: list[UserPerformance]


class PlaybookMetrics(Shape):
    playbook_id: str
    playbook_name: str | None
    period: str
    metrics: MetricsBody


class RunDurations(Shape):
    """Over the runs of the group that have ended."""

    average_hours: float | None
    median_hours: float | None
    p95_hours: float | None


class SlaShare(Shape):
    """Over the runs of the group that were completed under an SLA; `rate` is in percent."""

    met: int
    missed: int
    rate: float | None


class RunFigures(Shape):
    """Those of the three that were asked for."""

    count: int | None = None
    duration: RunDurations | None = None
    sla_compliance: SlaShare | None = None


class RunGroup(RunFigures):
    key: dict[str, str | None]
    """The value of each name in `group_by`; a week is an ISO week such as `2024-W03`."""


class RunAnalytics(Shape):
    groups: list[RunGroup]
    totals: RunFigures
    filters: dict[str, Any]
    group_by: list[str]
    metrics: list[str]


class BulkCounts(Shape):
    """Numbers of runs."""

    matched: int
    pending: int
    succeeded: int
    failed: int


class Policies(Shape):
    policies: list[Policy]


class DelegationPage(Listed):
    delegations: list[Delegation]


class PlaybookViolations(Shape):
    playbook_id: str
    name: str
    revision: int
    violations: list[dict[str, Any]]
    """Each with its `step_id`, and what the error of a create would say."""


class RunViolations(Shape):
    run_id: str
    playbook_id: str
    status: RunStatus
    violations: list[dict[str, Any]]
    """Each with its `step_id`, `step_status`, `violation`, and what the refusal would say."""


class TriedPlaybooks(Shape):
    checked: int
    violating: list[PlaybookViolations]
    next: str | None
    """`playbooks_cursor` of the trial that goes on; null where all were looked at."""


class TriedRuns(Shape):
    checked: int
    violating: list[RunViolations]
    next: str | None
    """`runs_cursor` of the trial that goes on; null where all were looked at."""


class PolicyTrialReport(Shape):
    policy: str
    document: dict[str, Any]
    playbooks: TriedPlaybooks
    runs: TriedRuns


class PolicyHistory(Listed):
    revisions: list[Policy]


class Calendars(Shape):
    calendars: list[Calendar]


class CalendarHistory(Listed):
    revisions: list[Calendar]


class OperationOutcome(Shape):
    operation_id: str
    type: Literal["command", "bulk_signal"]
    status: Literal["running", "succeeded", "failed"]
    """A bulk operation has succeeded when each of its runs has answered, whatever it was."""
    resource: str
    """Where what the command is about can be read; of a bulk operation, its results."""
    counts: BulkCounts | None = None
    """Of a bulk operation."""
    all_found: bool | None = None
    """Of a bulk operation: `matched` grows no more."""
    run_id: str | None = None
    playbook_id: str | None = None
    policy: str | None = None
    calendar: str | None = None
    webhook_id: str | None = None
    delegation_id: str | None = None
    result: dict[str, Any] | None = None
    error: ErrorBody | None = None


class BulkResult(Shape):
    """What a run has answered to a bulk operation's signal."""

    run_id: str
    status: Literal["pending", "succeeded", "failed"]
    at: Moment
    error: ErrorBody | None = None


class BulkResults(Listed):
    results: list[BulkResult]
