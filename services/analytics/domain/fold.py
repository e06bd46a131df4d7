"""What each event means for a run's summary.

Events count once and in order: one that was folded already changes nothing, one that came too early is held until those
before it have come. Held events are part of the summary, so that nothing depends on this process; after MAX_HELD of
them the gap is given up, what is held is folded without it, and the summary says that it is incomplete.
"""

from collections.abc import Callable
from typing import Any

from contracts import events
from contracts.events import RUN_EVENTS, Event
from services.analytics.domain.cancellation import cancelled_by
from services.analytics.domain.summary import Completion, HeldEvent, RunSummary, StepSummary

MAX_HELD = 100
_CLASSES = {kind.__name__: kind for kind in RUN_EVENTS}


def fold(summary: RunSummary, sequence: int, event: Event) -> RunSummary:
    """The summary after the event; the same object where it changes nothing."""
    if sequence <= summary["sequence"] or any(held["sequence"] == sequence for held in summary["held"]):
        return summary
    if sequence == summary["sequence"] + 1:
        return _without_gap(_folded(summary, sequence, event))
    held = HeldEvent(sequence=sequence, type=type(event).__name__, event=event.model_dump_json())
    return _given_up({**summary, "held": sorted([*summary["held"], held], key=_sequence)})


def _sequence(held: HeldEvent) -> int:
    return held["sequence"]


def _folded(summary: RunSummary, sequence: int, event: Event) -> RunSummary:
    changed = EFFECTS[type(event)](summary, event)
    changed["sequence"] = sequence
    return changed


def _without_gap(summary: RunSummary) -> RunSummary:
    """Folds those held events that nothing is missing before any more."""
    while summary["held"] and summary["held"][0]["sequence"] == summary["sequence"] + 1:
        summary = _first_held_folded(summary)
    return summary


def _given_up(summary: RunSummary) -> RunSummary:
    if len(summary["held"]) <= MAX_HELD:
        return summary
    while summary["held"]:
        summary = _first_held_folded(summary)
    return {**summary, "incomplete": True}


def _first_held_folded(summary: RunSummary) -> RunSummary:
    first, *others = summary["held"]
    event = _CLASSES[first["type"]].model_validate_json(first["event"])
    return _folded({**summary, "held": others}, first["sequence"], event)


def _nothing(summary: RunSummary, _: Event) -> RunSummary:
    return summary.copy()


def _created(summary: RunSummary, event: events.RunCreated) -> RunSummary:
    entity_type = event.context.get("entity_type")
    return {
        **summary,
        "playbook_id": event.playbook.playbook_id,
        "playbook_name": event.playbook.name,
        "created_at": event.at,
        "sla_hours": event.sla_hours,
        "estimated_duration_minutes": event.estimated_duration_minutes,
        "entity_type": entity_type if isinstance(entity_type, str) else None,
        "priority": event.priority,
    }


def _with_step(summary: RunSummary, step_id: str, step: StepSummary) -> RunSummary:
    return {**summary, "steps": {**summary["steps"], step_id: step}}


def _step(summary: RunSummary, step_id: str, sequence: int, name: str) -> StepSummary:
    known = summary["steps"].get(step_id)
    if known is not None:
        return known
    return StepSummary(sequence=sequence, name=name, executions=0, completed=0, minutes=0.0, redone=False)


def _started(summary: RunSummary, event: events.StepStarted) -> RunSummary:
    step = _step(summary, event.step_id, event.sequence, event.step_name)
    return _with_step(summary, event.step_id, {**step, "executions": step["executions"] + 1})


def _completed(summary: RunSummary, event: events.StepCompleted) -> RunSummary:
    step = _step(summary, event.step_id, event.sequence, event.step_name)
    minutes = step["minutes"] + event.duration_minutes
    after = _with_step(summary, event.step_id, {**step, "completed": step["completed"] + 1, "minutes": minutes})
    if event.actor.type != "user":
        return after
    completion = Completion(
        step_id=event.step_id,
        user=event.completed_by,
        minutes=event.duration_minutes,
        right=not step["redone"] and not event.sla_breached,
    )
    return {**after, "completions": [*after["completions"], completion]}


def _returned(summary: RunSummary, event: events.StepsReturned) -> RunSummary:
    """The step that is worked on again was not right; those between it and here may have been."""
    return _redone(summary, event.to_step)


def _retried(summary: RunSummary, event: events.StepRetried) -> RunSummary:
    return _redone(summary, event.step_id)


def _redone(summary: RunSummary, step_id: str) -> RunSummary:
    step = summary["steps"].get(step_id)
    completions = [_wrong(c) if c["step_id"] == step_id else c for c in summary["completions"]]
    after: RunSummary = {**summary, "completions": completions}
    return after if step is None else _with_step(after, step_id, {**step, "redone": True})


def _wrong(completion: Completion) -> Completion:
    return {**completion, "right": False}


def _status(status: str) -> Callable[[RunSummary, Any], RunSummary]:
    return lambda summary, _: {**summary, "status": status}


def _resumed(summary: RunSummary, event: events.RunResumed) -> RunSummary:
    return {**summary, "status": "active", "paused_seconds": summary["paused_seconds"] + event.paused_seconds}


def _ended(summary: RunSummary, event: Any, status: str, outcome: str) -> RunSummary:
    return {
        **summary,
        "status": status,
        "outcome": outcome,
        "ended_at": event.at,
        "duration_minutes": event.duration_minutes,
    }


def _run_completed(summary: RunSummary, event: events.RunCompleted) -> RunSummary:
    ended = _ended(summary, event, "completed", event.outcome)
    return {**ended, "sla_met": event.sla_met, "overrun_hours": event.overrun_hours}


def _run_failed(summary: RunSummary, event: events.RunFailed) -> RunSummary:
    return _ended(summary, event, "failed", "failed")


def _run_cancelled(summary: RunSummary, event: events.RunCancelled) -> RunSummary:
    return {**_ended(summary, event, "cancelled", "cancelled"), "cancelled_by": cancelled_by(event.signal.metadata)}


def _updated(summary: RunSummary, event: events.DataUpdated) -> RunSummary:
    return {**summary, "priority": event.priority or summary["priority"]}


def _reopened(summary: RunSummary, _: events.RunReopened) -> RunSummary:
    return {
        **summary, "status": "active", "outcome": None, "ended_at": None, "duration_minutes": None, "sla_met": None,
        "overrun_hours": None,
    }  # fmt: skip


EFFECTS: dict[type[Event], Callable[[RunSummary, Any], RunSummary]] = {
    events.RunCreated: _created,
    events.StepStarted: _started,
    events.StepCompleted: _completed,
    events.StepFailed: _nothing,  # the execution is counted, and not among the completed
    events.StepSkipped: _nothing,
    events.StepBlocked: _nothing,
    events.StepCancelled: _nothing,
    events.StepsReturned: _returned,
    events.StepRetried: _retried,
    events.StepAssigned: _nothing,
    events.StepOffered: _nothing,
    events.StepReleased: _nothing,
    events.StepEscalated: _nothing,
    events.StepOverdue: _nothing,  # the completion says whether the SLA was missed
    events.RunOverdue: _nothing,
    events.ReminderDue: _nothing,
    events.ApprovalRecorded: _nothing,
    events.AutomationRequested: _nothing,
    events.AutomationAttemptFailed: _nothing,
    events.AutomationFellBack: _nothing,
    events.LateResultRecorded: _nothing,
    events.DataUpdated: _updated,
    events.EncryptedDataErased: _nothing,
    events.RunPaused: _status("paused"),
    events.RunResumed: _resumed,
    events.RunBlocked: _status("blocked"),
    events.RunUnblocked: _status("active"),
    events.RunCompleted: _run_completed,
    events.RunFailed: _run_failed,
    events.RunReopened: _reopened,
    events.RunCancelled: _run_cancelled,
    events.NotificationSent: _nothing,
    events.NotificationFailed: _nothing,
}
"""By event. Each gives a new summary. A test walks the registered events and says which one has no decision."""
