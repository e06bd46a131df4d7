"""Events: what has happened. A run changes through these only; `event_type` is the name in snake case."""

from typing import Any, ClassVar, Literal

from pydantic import Field

from contracts.calendars import CalendarUse
from contracts.definitions import PlaybookDefinition, PlaybookStatus, StepType
from contracts.values import Actor, Attachment, Contract, Moment

RunOutcome = Literal["success", "rejected", "failed", "cancelled"]


class Event(Contract):
    """Base of every event: when, and by whom."""

    VERSION: ClassVar[int] = 1
    at: Moment
    actor: Actor


class PlaybookRef(Contract):
    """The revision that a run is pinned to."""

    playbook_id: str
    revision: int
    name: str
    version: str
    smart_code: str


class StepOutline(Contract):
    """A step as a new run knows it."""

    step_id: str
    sequence: int
    name: str
    step_type: StepType
    is_required: bool
    is_conditional: bool


class OpenTo(Contract):
    """Who may act on a step from the event on: its assignee, else any of its candidates, else its roles."""

    assigned_to: str | None = None
    candidates: list[str] = Field(default_factory=list)
    assignee_roles: list[str] = Field(default_factory=list)
    voted: list[str] = Field(default_factory=list)
    """Who has voted on it already, or in whose place somebody has."""


class UnmetCondition(Contract):
    """A condition that did not hold, and why."""

    condition: dict[str, Any]
    reason: str
    actual_value: Any = None


class Timer(Contract):
    """Something that happens to a run at `due_at` unless it is cleared before."""

    timer_id: str
    kind: Literal[
        "resume", "run_overdue", "step_overdue", "escalation", "reminder", "automation_retry", "automation_timeout"
    ]
    due_at: Moment
    step_id: str | None = None


class RunCreated(Event):
    run_id: str
    organization_id: str
    playbook: PlaybookRef
    smart_code: str | None
    context: dict[str, Any]
    initial_data: dict[str, Any]
    metadata: dict[str, Any]
    priority: str
    steps: list[StepOutline]
    sla_hours: float | None = None
    estimated_duration_minutes: float | None = None
    due_at: Moment | None = None
    calendar: CalendarUse | None = None
    """What `due_at` was reckoned with; null: around the clock."""
    timers: list[Timer] = Field(default_factory=list)


class StepStarted(Event):
    """An attempt at a step begins."""

    step_id: str
    sequence: int
    step_name: str
    step_type: StepType
    attempt: int
    execution_mode: Literal["manual", "automated"]
    assigned_to: str | None = None
    assignee_roles: list[str] = Field(default_factory=list)
    auto_assigned: bool = False
    candidates: list[str] = Field(default_factory=list)
    """Users of whom any may act."""
    due_at: Moment | None = None
    timers: list[Timer] = Field(default_factory=list)
    calendar: CalendarUse | None = None
    """What `due_at` and the timers were reckoned with; null: around the clock."""
    caused_by: str | None = None
    """The user whose command led to it; null where none did, and in older events; likewise below."""


class StepCompleted(Event):
    step_id: str
    sequence: int
    step_name: str
    outcome: str
    completed_by: str
    data: dict[str, Any]
    attachments: list[Attachment] = Field(default_factory=list)
    duration_minutes: float
    """Minutes of work, pauses left out."""
    sla_breached: bool = False
    assignments: dict[str, str] = Field(default_factory=dict)
    """Who the steps that follow were given to, by step id."""
    candidates: dict[str, list[str]] = Field(default_factory=dict)
    """Those of them that were given to several users, of whom any may act."""
    on_behalf_of: str | None = None
    """Whose substitute completed it."""


class StepFailed(Event):
    step_id: str
    sequence: int
    step_name: str
    reason: str
    data: dict[str, Any] = Field(default_factory=dict)
    attachments: list[Attachment] = Field(default_factory=list)
    duration_minutes: float
    failed_by: str | None = None
    on_behalf_of: str | None = None


class StepSkipped(Event):
    step_id: str
    sequence: int
    step_name: str
    reason: str
    unmet: list[UnmetCondition] = Field(default_factory=list)


class StepBlocked(Event):
    step_id: str
    sequence: int
    step_name: str
    unmet: list[UnmetCondition]


class StepCancelled(Event):
    step_id: str
    sequence: int
    step_name: str
    reason: str | None = None


class StepsReturned(Event):
    """Work goes back: `to_step` is opened again as a new attempt, what came after it is pending again."""

    from_step: str
    sequence: int
    to_step: str
    reset: list[str]


class StepRetried(Event):
    """A failed step gets a fresh attempt."""

    step_id: str
    sequence: int
    step_name: str
    reason: str | None = None


class StepAssigned(Event):
    step_id: str
    sequence: int
    step_name: str
    assigned_to: str
    previous: str | None = None
    reason: str | None = None
    candidates: list[str] = Field(default_factory=list)
    """Users who may act beside the assignee."""
    on_behalf_of: str | None = None
    """Whose substitute claimed it for them."""
    open_to: OpenTo | None = None
    """Null in older events; likewise below."""


class StepOffered(Event):
    """An open step was given to several users: any of them may claim or complete it."""

    step_id: str
    sequence: int
    step_name: str
    candidates: list[str]
    previous: str | None = None
    open_to: OpenTo | None = None


class StepReleased(Event):
    """Its assignee gave it back; whoever holds one of its roles may claim it."""

    step_id: str
    sequence: int
    step_name: str
    previous: str
    reason: str | None = None
    on_behalf_of: str | None = None
    open_to: OpenTo | None = None


class StepEscalated(Event):
    step_id: str
    sequence: int
    step_name: str
    roles_added: list[str] = Field(default_factory=list)
    assigned_to: str | None = None
    reason: str | None = None
    open_to: OpenTo | None = None


class StepOverdue(Event):
    step_id: str
    sequence: int
    step_name: str
    due_at: Moment | None
    timer_id: str
    open_to: OpenTo | None = None


class ReminderDue(Event):
    """A step that is still open is due soon."""

    step_id: str
    sequence: int
    step_name: str
    due_at: Moment
    timer_id: str
    assigned_to: str | None = None
    candidates: list[str] = Field(default_factory=list)
    assignee_roles: list[str] = Field(default_factory=list)
    open_to: OpenTo | None = None


class ApprovalRecorded(Event):
    """One vote of a step that needs several."""

    step_id: str
    sequence: int
    step_name: str
    user: str
    roles: list[str]
    vote: Literal["approve", "reject"]
    on_behalf_of: str | None = None
    """Whose substitute voted."""
    data: dict[str, Any] = Field(default_factory=dict)
    attachments: list[Attachment] = Field(default_factory=list)


class AutomationRequested(Event):
    """A job for an automated attempt was published."""

    step_id: str
    sequence: int
    step_name: str
    job_id: str
    attempt_number: int
    """1 for the first try, one more for each retry."""
    timers: list[Timer] = Field(default_factory=list)


class AutomationAttemptFailed(Event):
    step_id: str
    sequence: int
    step_name: str
    job_id: str
    attempt_number: int
    error: str
    retry: Timer | None = None


class AutomationFellBack(Event):
    """The automated step became human work."""

    step_id: str
    sequence: int
    step_name: str
    reason: str
    timers: list[Timer] = Field(default_factory=list)
    calendar: CalendarUse | None = None
    open_to: OpenTo | None = None


class LateResultRecorded(Event):
    """A worker's result that came when it could change nothing any more."""

    step_id: str
    sequence: int
    step_name: str
    job_id: str
    outcome: str
    step_status: str


class DataUpdated(Event):
    data: dict[str, Any]
    metadata: dict[str, Any] = Field(default_factory=dict)
    priority: str | None = None
    """The run's, where it was changed."""
    fields_updated: list[str]
    update_type: Literal["manual", "event"]
    event_name: str | None = None
    step_sequence: int | None = None


class EncryptedDataErased(Event):
    """Values that were encrypted with these keys, of these fields, can't be read any more."""

    fields: list[str]
    key_ids: list[str]
    reason: str | None = None


class SignalRecord(Contract):
    """What a signal said, kept with the event that came of it."""

    signal_id: str
    reason: str | None = None
    issued_by: str | None = None
    metadata: dict[str, Any] = Field(default_factory=dict)


class RunPaused(Event):
    signal: SignalRecord
    pause_until: Moment | None = None
    steps: list[str]
    """Ids of the steps that were open and are paused now."""
    timers: list[Timer] = Field(default_factory=list)


class StepDates(Contract):
    due_at: Moment | None = None
    calendar: CalendarUse | None = None


class NewDates(Contract):
    """What dates become once a run that stood still goes on."""

    due_at: Moment | None = None
    calendar: CalendarUse | None = None
    steps: dict[str, StepDates] = Field(default_factory=dict)
    timers: list[Timer] = Field(default_factory=list)


class RunResumed(Event):
    signal: SignalRecord | None = None
    """Null where the run resumed by itself, at `pause_until`."""
    steps: list[str]
    paused_seconds: float
    dates: NewDates | None = None
    """Null in older events: timers and due dates moved by `paused_seconds`."""


class RunOverdue(Event):
    """The playbook's SLA has passed, and the run goes on."""

    due_at: Moment
    timer_id: str


class RunBlocked(Event):
    steps: list[str]


class RunUnblocked(Event):
    steps: list[str]


class RunCompleted(Event):
    outcome: RunOutcome
    sla_met: bool | None = None
    """Null where the playbook names no `sla_hours`."""
    overrun_hours: float | None = None
    """Of a missed SLA: how far beyond it, in the hours that it is reckoned in; null in older events."""
    duration_minutes: float
    caused_by: str | None = None


class RunFailed(Event):
    reason: str
    step_id: str | None = None
    duration_minutes: float
    caused_by: str | None = None


class RunReopened(Event):
    """A failed run is active again, after a retry."""

    signal: SignalRecord
    timers: list[Timer] = Field(default_factory=list)


class RunCancelled(Event):
    signal: SignalRecord
    steps: list[str]
    duration_minutes: float


class NotificationSent(Event):
    recipient: str
    notification_type: str
    channel: str
    step_id: str | None = None
    on_behalf_of: str | None = None
    """As whose substitute the recipient was told."""


class NotificationFailed(Event):
    """It was given up: nobody was told."""

    recipient: str
    notification_type: str
    channel: str
    step_id: str | None = None
    reason: str
    on_behalf_of: str | None = None


class PlaybookRegistered(Event):
    """A playbook's current revision; the compacted topic keeps the last one of each playbook."""

    definition: PlaybookDefinition
    status: PlaybookStatus


RUN_EVENTS: tuple[type[Event], ...] = (
    RunCreated, StepStarted, StepCompleted, StepFailed, StepSkipped, StepBlocked, StepCancelled, StepsReturned,
    StepRetried, StepAssigned, StepOffered, StepReleased, StepEscalated, StepOverdue, ReminderDue, ApprovalRecorded,
    AutomationRequested, AutomationAttemptFailed, AutomationFellBack, LateResultRecorded, DataUpdated,
    EncryptedDataErased, RunPaused, RunResumed, RunOverdue, RunBlocked, RunUnblocked, RunCompleted, RunFailed,
    RunReopened, RunCancelled, NotificationSent, NotificationFailed,
)  # fmt: skip
PLAYBOOK_EVENTS: tuple[type[Event], ...] = (PlaybookRegistered,)

HOUSEKEEPING: frozenset[str] = frozenset(
    {
        "AutomationRequested",
        "AutomationAttemptFailed",
        "StepOverdue",
        "RunOverdue",
        "ReminderDue",
        "NotificationSent",
        "NotificationFailed",
    }
)
"""Events that the timeline shows only with `include_system_events=true`."""
