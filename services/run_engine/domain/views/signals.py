"""The answer to a signal."""

from collections.abc import Sequence

from contracts.commands import (
    CancelRun,
    EscalateStep,
    PauseRun,
    ReassignStep,
    ReceiveEvent,
    ResumeRun,
    RetryStep,
    SignalCommand,
    SkipStep,
)  # fmt: skip
from contracts.events import Event
from services.run_engine.domain.state import RunState
from services.run_engine.domain.views.timeline import View, moment, timeline_entry

_TYPES: dict[type[SignalCommand], str] = {
    PauseRun: "pause",
    ResumeRun: "resume",
    CancelRun: "cancel",
    RetryStep: "retry",
    SkipStep: "skip",
    EscalateStep: "escalate",
    ReassignStep: "reassign",
    ReceiveEvent: "event",
}


def signal_view(before: RunState, after: RunState, command: SignalCommand, events: Sequence[Event]) -> View:
    return {
        "signal_id": command.signal_id,
        "run_id": after.run_id,
        "signal_type": _TYPES[type(command)],
        "previous_status": before.status,
        "new_status": after.status,
        **({"paused_until": moment(command.pause_until)} if isinstance(command, PauseRun) else {}),
        "affected_steps": _affected(before, after, events),
        "timeline_entry": timeline_entry(events[0]) if events else None,
    }


def _affected(before: RunState, after: RunState, events: Sequence[Event]) -> list[View]:
    """Steps whose status changed, and those that an event was about."""
    named = {getattr(event, "step_id", None) for event in events}
    return [
        {"step_id": step_id, "status": step.status, "was_status": before.steps[step_id].status}
        for step_id, step in after.steps.items()
        if step.status != before.steps[step_id].status or step_id in named
    ]
