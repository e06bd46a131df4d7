from contracts.commands import SkipStep
from contracts.events import StepSkipped
from contracts.rejections import Rejection
from services.run_engine.domain.permissions import holds, lacks
from services.run_engine.domain.signals import chosen_step
from services.run_engine.domain.situation import Decision, Situation, invalid_field, refused_by_run, refused_by_step
from services.run_engine.domain.state import RunState


def skip_step(state: RunState, command: SkipStep, situation: Situation) -> Decision:
    """Leaves a step out, with a reason; a required one only with `step:skip`."""
    refusal = refused_by_run(state, "skip", f"skip a step of {state.run_id}")
    if refusal is not None:
        return refusal
    step = chosen_step(state, command.step_id, ("in_progress", "blocked"), "open")
    if isinstance(step, Rejection):
        return step
    refusal = refused_by_step(state, step, "skip")
    if refusal is not None:
        return refusal
    if not (command.reason or "").strip():
        return invalid_field("signal.reason", command.reason, "A skip needs a reason")
    if step.is_required and not holds(command.caller, "step:skip"):
        return lacks(command.caller, "step:skip", f"{step.step_id} is required: skipping it needs step:skip.")
    return [
        StepSkipped(
            at=situation.now,
            actor=command.caller.actor,
            step_id=step.step_id,
            sequence=step.sequence,
            step_name=step.name,
            reason=command.reason or "",
        )
    ]
