"""On what occasions somebody is told of a step, and to whom the step is open then."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from contracts.events import (
    AutomationFellBack,
    Event,
    OpenTo,
    ReminderDue,
    StepAssigned,
    StepEscalated,
    StepOffered,
    StepOverdue,
    StepReleased,
    StepStarted,
)
from services.notifier.domain.notices import NoticeType

_TYPES: Mapping[type[Event], NoticeType] = {
    StepStarted: "step_assignment",
    StepAssigned: "step_assignment",
    StepOffered: "step_assignment",
    StepReleased: "step_assignment",
    AutomationFellBack: "step_assignment",
    StepEscalated: "step_escalation",
    StepOverdue: "step_overdue",
    ReminderDue: "step_reminder",
}
STEP_EVENTS = tuple(_TYPES)


@dataclass(frozen=True, slots=True)
class Occasion:
    type: NoticeType
    step_id: str
    step_name: str
    open_to: OpenTo
    roles: tuple[str, ...] = ()
    """Whose holders are told: those of the step where it names nobody, and those that an escalation adds."""
    due_at: datetime | None = None
    reason: str | None = None

    @property
    def named(self) -> list[str]:
        """An assignee alone: of the others nothing is asked for as long as there is one."""
        return [self.open_to.assigned_to] if self.open_to.assigned_to else self.open_to.candidates


def occasion(event: Event) -> Occasion | None:
    """None for an event that tells nobody of a step: of a machine's, one that its assignee has just taken,
    or that is due soon no more."""
    kind = _TYPES.get(type(event))
    if kind is None or (isinstance(event, StepStarted) and event.execution_mode == "automated"):
        return None
    if isinstance(event, StepAssigned) and event.actor.id == event.assigned_to:
        return None
    if isinstance(event, ReminderDue) and event.due_at <= event.at:
        return None  # everything was down: what is late is told as such
    open_to = getattr(event, "open_to", None) or _as_told(event)
    is_named = bool(open_to.assigned_to or open_to.candidates)
    if kind == "step_assignment" and not open_to.assigned_to:
        kind = "step_offer"
    return Occasion(
        kind,
        event.step_id,  # type: ignore[attr-defined]
        event.step_name,  # type: ignore[attr-defined]
        open_to,
        (*getattr(event, "roles_added", ()), *(() if is_named else open_to.assignee_roles)),
        getattr(event, "due_at", None),
        getattr(event, "reason", None),
    )


def _as_told(event: Event) -> OpenTo:
    """Of events that say it themselves. Older ones that do not tell nobody."""
    return OpenTo.model_validate(event.model_dump(include=set(OpenTo.model_fields)))
