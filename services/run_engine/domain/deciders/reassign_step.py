from contracts.commands import ReassignStep
from contracts.events import StepAssigned
from contracts.rejections import Rejection
from services.run_engine.domain.signals import chosen_step
from services.run_engine.domain.situation import Decision, Situation, bad_name, refused_by_run, refused_by_step
from services.run_engine.domain.state import RunState


def reassign_step(state: RunState, command: ReassignStep, situation: Situation) -> Decision:
    """Gives a step to somebody; one that has not started yet will start with them."""
    refusal = refused_by_run(state, "reassign", f"reassign a step of {state.run_id}")
    refusal = refusal or bad_name("signal.assignee", command.assignee, "An assignee")
    if refusal is not None:
        return refusal
    step = chosen_step(state, command.step_id, ("in_progress", "paused", "blocked"), "open")
    if isinstance(step, Rejection):
        return step
    refusal = refused_by_step(state, step, "reassign")
    if refusal is not None:
        return refusal
    return [
        StepAssigned(
            at=situation.now,
            actor=command.caller.actor,
            step_id=step.step_id,
            sequence=step.sequence,
            step_name=step.name,
            assigned_to=command.assignee,
            previous=step.assigned_to,
            reason=command.reason,
            open_to=step.open_to(assigned_to=command.assignee, candidates=[]),
        )
    ]
