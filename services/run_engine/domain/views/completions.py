"""The answer to a completion: what became of the step, and what is next, for whom, with what they need."""

from collections.abc import Sequence

from contracts.events import ApprovalRecorded, AutomationFellBack, Event, StepCompleted, StepFailed
from contracts.values import Caller, rfc3339
from services.run_engine.domain.approvals import quorum
from services.run_engine.domain.loose import whole
from services.run_engine.domain.plan import Plan
from services.run_engine.domain.situation import Situation
from services.run_engine.domain.state import RunState, StepState
from services.run_engine.domain.views.open_steps import open_steps_view
from services.run_engine.domain.views.runs import progress_percentage
from services.run_engine.domain.views.timeline import View, timeline_entry


def completion_view(
    state: RunState, situation: Situation, step_id: str, events: Sequence[Event], caller: Caller
) -> View:
    """`state` is the one after the events. A vote that leaves the step open shows the tally instead of an end."""
    event = _principal(events, step_id)
    step, plan = state.steps[step_id], situation.plan
    return {
        "step_id": step_id,
        **_ending(event, step),
        **_tally(state, step, plan),
        **open_steps_view(state, situation, caller),
        "run_status": {
            "run_id": state.run_id,
            "overall_status": state.status,
            "progress_percentage": progress_percentage(state),
            "completed_steps": sum(s.status == "completed" for s in state.steps.values()),
            "total_steps": len(state.steps),
        },
        "timeline_entry": timeline_entry(event) if event is not None else None,
    }


def _principal(events: Sequence[Event], step_id: str) -> Event | None:
    """The event that says most about the step."""
    mine = [event for event in events if getattr(event, "step_id", None) == step_id]
    for kind in (StepCompleted, StepFailed, AutomationFellBack, ApprovalRecorded):
        for event in mine:
            if isinstance(event, kind):
                return event
    return mine[0] if mine else None


def _ending(event: Event | None, step: StepState) -> View:
    match event:
        case StepCompleted():
            return _ended("completed", event, event.completed_by, event.outcome)
        case StepFailed():
            return _ended("failed", event, event.failed_by or event.actor.id, "failure")
        case ApprovalRecorded():
            return {"status": step.status, "outcome": event.vote, **_behalf(event)}
    return {"status": step.status}


def _ended(status: str, event: StepCompleted | StepFailed, by: str, outcome: str) -> View:
    return {
        "status": status,
        "completed_at": rfc3339(event.at),
        "completed_by": by,
        "duration_minutes": whole(event.duration_minutes),
        "outcome": outcome,
        **_behalf(event),
    }


def _behalf(event: StepCompleted | StepFailed | ApprovalRecorded) -> View:
    return {"on_behalf_of": event.on_behalf_of} if event.on_behalf_of is not None else {}


def _tally(state: RunState, step: StepState, plan: Plan) -> View:
    needed = quorum(plan.by_id[step.step_id], state) if step.approvals else None
    return {"approvals": needed.tally(step.approvals)} if needed is not None else {}
