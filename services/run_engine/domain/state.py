"""What a run is at one moment. Frozen: a change makes new objects along its path, all others stay the same objects."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from contracts.calendars import CalendarUse
from contracts.definitions import StepType
from contracts.events import OpenTo, PlaybookRef, RunOutcome, Timer, UnmetCondition
from contracts.values import Attachment, Moment
from services.run_engine.domain.lifecycle import STEP_ENDED, STEP_OPEN, RunStatus, StepStatus

ExecutionMode = Literal["manual", "automated"]


@dataclass(frozen=True, slots=True)
class Vote:
    """What one user said to a step that needs several; a later vote of the same user replaces it."""

    user: str
    vote: Literal["approve", "reject"]
    roles: tuple[str, ...]
    at: Moment
    data: dict[str, Any] = field(default_factory=dict)
    attachments: tuple[Attachment, ...] = ()
    on_behalf_of: str | None = None

    @property
    def people(self) -> set[str]:
        """One voice: a vote of one of them takes the place of the other's."""
        return {self.user} if self.on_behalf_of is None else {self.user, self.on_behalf_of}


def with_vote(votes: tuple[Vote, ...], vote: Vote) -> tuple[Vote, ...]:
    return (*(other for other in votes if other.people.isdisjoint(vote.people)), vote)


@dataclass(frozen=True, slots=True)
class AttemptRecord:
    """An attempt at a step that is over, kept when the step starts anew."""

    attempt: int
    status: StepStatus
    started_at: Moment | None
    ended_at: Moment | None
    completed_by: str | None
    outcome: str | None
    on_behalf_of: str | None = None


@dataclass(frozen=True)
class StepState:
    step_id: str
    sequence: int
    name: str
    step_type: StepType
    is_required: bool
    is_conditional: bool
    status: StepStatus = "pending"
    attempt: int = 0
    """0 before the step was ever started."""
    execution_mode: ExecutionMode | None = None
    assigned_to: str | None = None
    """Of a pending step: who it will be given to."""
    candidates: tuple[str, ...] = ()
    """Users who are named for it beside the assignee: any of them may act."""
    claimed_by: str | None = None
    """The last user for whom it was claimed. If another one is its assignee, somebody has given it to them since."""
    auto_assigned: bool = False
    assignee_roles: tuple[str, ...] = ()
    started_at: Moment | None = None
    ended_at: Moment | None = None
    due_at: Moment | None = None
    calendar: CalendarUse | None = None
    """What its dates were reckoned with; None: around the clock."""
    blocked_at: Moment | None = None
    completed_by: str | None = None
    on_behalf_of: str | None = None
    """Whose substitute completed it."""
    outcome: str | None = None
    reason: str | None = None
    """Why it was skipped, failed or cancelled."""
    was_status: StepStatus | None = None
    """Of a paused step: what it returns to."""
    unmet: tuple[UnmetCondition, ...] = ()
    approvals: tuple[Vote, ...] = ()
    overdue: bool = False
    sla_breached: bool = False
    paused_seconds: float = 0.0
    """How long the current attempt stood still while the run was paused."""
    data: dict[str, Any] = field(default_factory=dict)
    """Of its completion."""
    attachments: tuple[Attachment, ...] = ()
    kept_bytes: int = 0
    """Of the data and attachments of its completion and of its votes, in JSON."""
    job_id: str | None = None
    """Of the automated attempt in flight."""
    job_attempt: int = 0
    """1 for the first try, one more for each retry."""
    history: tuple[AttemptRecord, ...] = ()
    hands: tuple[str, ...] = ()
    """Who completed it or voted on it, in any attempt, and on whose behalf, in order of name."""

    @property
    def people(self) -> set[str]:
        """`hands`, of runs that are older than it too."""
        older = {self.completed_by, *(vote.user for vote in self.approvals), *(a.completed_by for a in self.history)}
        return {*self.hands, *(user for user in older if user is not None)}

    def open_to(self, *more_roles: str, **after: Any) -> OpenTo:
        """Who may act on it: as it is, but for what is another `after` the event that is told of."""
        roles = dict.fromkeys((*self.assignee_roles, *more_roles))
        voted = sorted(set().union(*(vote.people for vote in self.approvals)))
        about = {"assigned_to": self.assigned_to, "candidates": list(self.candidates), "assignee_roles": list(roles)}
        return OpenTo.model_validate({**about, "voted": voted, **after})

    @property
    def status_without_pause(self) -> StepStatus:
        """What conditions look at: a pause must decide nothing."""
        return self.was_status or self.status

    @property
    def is_ended(self) -> bool:
        return self.status in STEP_ENDED

    @property
    def is_open(self) -> bool:
        return self.status in STEP_OPEN


@dataclass(frozen=True)
class RunState:
    run_id: str
    organization_id: str
    playbook: PlaybookRef
    smart_code: str | None
    context: dict[str, Any]
    data: dict[str, Any]
    """Initial data, and over it each completion's and update's data in order."""
    metadata: dict[str, Any]
    priority: str
    steps: dict[str, StepState]
    """By step id, in order of sequence."""
    created_at: Moment
    created_by: str
    updated_at: Moment
    sequence: int = 0
    """Number of events folded."""
    status: RunStatus = "active"
    outcome: RunOutcome | None = None
    started_at: Moment | None = None
    ended_at: Moment | None = None
    due_at: Moment | None = None
    calendar: CalendarUse | None = None
    sla_breached: bool = False
    sla_hours: float | None = None
    paused_at: Moment | None = None
    pause_until: Moment | None = None
    paused_seconds: float = 0.0
    """Of all pauses that are over."""
    timers: tuple[Timer, ...] = ()
    """Those that may fire."""
    stopped_timers: tuple[Timer, ...] = ()
    """Those that stand still while the run is paused; they count from `paused_at`."""
    erased_keys: tuple[str, ...] = ()
    """Ids of the keys that were destroyed: what they encrypted is lost."""

    @property
    def is_paused(self) -> bool:
        return self.status == "paused"

    @property
    def first_open(self) -> StepState | None:
        return next((step for step in self.steps.values() if step.is_open), None)

    def clock(self, now: datetime) -> datetime:
        """The run's own time, which stands still during a pause: what timers are counted from."""
        return self.paused_at if self.paused_at is not None else now

    def paused_seconds_now(self, now: datetime) -> float:
        """How long the pause has lasted that is still going on; 0 without one."""
        return max(0.0, (now - self.paused_at).total_seconds()) if self.paused_at is not None else 0.0

    def timer(self, timer_id: str) -> Timer | None:
        return next((timer for timer in self.timers if timer.timer_id == timer_id), None)
