"""Who is told what: one event makes one notice at most."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from contracts.events import (
    Event,
    ReminderDue,
    RunCancelled,
    RunCompleted,
    RunCreated,
    RunFailed,
    StepAssigned,
    StepEscalated,
    StepOverdue,
    StepStarted,
)

NoticeType = Literal[
    "step_assignment", "step_escalation", "step_overdue", "step_reminder", "run_completed", "run_failed",
    "run_cancelled", "webhook_disabled",
]  # fmt: skip
NOTIFYING: tuple[type[Event], ...] = (
    RunCreated, StepStarted, StepAssigned, StepEscalated, StepOverdue, ReminderDue, RunCompleted, RunFailed,
    RunCancelled,
)  # fmt: skip
"""Events that tell somebody something, or say whom to tell later."""
StepKey = tuple[str, str]
"""Run id and step id."""


@dataclass(frozen=True, slots=True)
class Notice:
    """What one person is to be told."""

    run_id: str | None
    """None where it is about no run."""
    sequence: int
    """Of the event in its run."""
    organization_id: str
    recipient: str
    type: NoticeType
    step_id: str | None = None
    step_name: str | None = None
    due_at: datetime | None = None
    reason: str | None = None
    outcome: str | None = None
    playbook_name: str | None = None
    webhook_id: str | None = None
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """Which event of which run it is about."""

    run_id: str
    sequence: int
    organization_id: str


@dataclass(frozen=True, slots=True)
class StartedRun:
    """Who is told how the run ends."""

    run_id: str
    started_by: str
    playbook_name: str


def started(run_id: str, event: Event) -> StartedRun | None:
    """None for all but the start of a run by a person."""
    if isinstance(event, RunCreated) and event.actor.type == "user":
        return StartedRun(run_id, event.actor.id, event.playbook.name)
    return None


def ending(source: Source, event: Event, run: StartedRun | None) -> Notice | None:
    """To who started the run, unless they cancelled it themselves: other ends are the system's."""
    kind = _ENDINGS.get(type(event))
    if kind is None or run is None or event.actor.id == run.started_by:
        return None
    return Notice(
        run_id=source.run_id,
        sequence=source.sequence,
        organization_id=source.organization_id,
        recipient=run.started_by,
        type=kind,
        playbook_name=run.playbook_name,
        reason=_reason(event),
        outcome=event.outcome if isinstance(event, RunCompleted) else None,
    )


def _reason(event: Event) -> str | None:
    if isinstance(event, RunCancelled):
        return event.signal.reason
    return event.reason if isinstance(event, RunFailed) else None


_ENDINGS: dict[type[Event], NoticeType] = {
    RunCompleted: "run_completed",
    RunFailed: "run_failed",
    RunCancelled: "run_cancelled",
}


def assignee(event: Event) -> tuple[str, str] | None:
    """Step id and the person who has the step from this event on."""
    match event:
        case StepStarted() | StepAssigned() | StepEscalated() if event.assigned_to:
            return event.step_id, event.assigned_to
    return None


def notice(source: Source, event: Event, assignees: Mapping[StepKey, str]) -> Notice | None:
    """`assignees` says who had the step before the event; None where nobody is to be told, or only who did it."""
    told = _told(source, event, assignees)
    return told if told is not None and told.recipient != event.actor.id else None


def _told(source: Source, event: Event, assignees: Mapping[StepKey, str]) -> Notice | None:
    match event:
        case StepStarted() if event.assigned_to:
            return _notice(source, event, event.assigned_to, "step_assignment", due_at=event.due_at)
        case StepAssigned():
            return _notice(source, event, event.assigned_to, "step_assignment", reason=event.reason)
        case StepEscalated():
            return _notice(source, event, _whom(source, event, assignees), "step_escalation", reason=event.reason)
        case StepOverdue():
            return _notice(source, event, _whom(source, event, assignees), "step_overdue", due_at=event.due_at)
        case ReminderDue():
            return _notice(source, event, event.assigned_to, "step_reminder", due_at=event.due_at)
    return None


def _whom(source: Source, event: StepEscalated | StepOverdue, assignees: Mapping[StepKey, str]) -> str | None:
    named = event.assigned_to if isinstance(event, StepEscalated) else None
    return named or assignees.get((source.run_id, event.step_id))


def _notice(
    source: Source,
    event: StepStarted | StepAssigned | StepEscalated | StepOverdue | ReminderDue,
    recipient: str | None,
    kind: NoticeType,
    due_at: datetime | None = None,
    reason: str | None = None,
) -> Notice | None:
    if recipient is None:
        return None
    return Notice(
        source.run_id, source.sequence, source.organization_id, recipient, kind,
        event.step_id, event.step_name, due_at, reason,
    )  # fmt: skip
