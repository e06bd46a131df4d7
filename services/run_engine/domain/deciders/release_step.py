from contracts.commands import ReleaseStep
from contracts.events import StepReleased
from contracts.rejections import Rejection
from services.run_engine.domain.deciders.claim_step import claimable
from services.run_engine.domain.permissions import holds, lacks
from services.run_engine.domain.situation import Decision, Situation, invalid_state
from services.run_engine.domain.state import RunState


def release_step(state: RunState, command: ReleaseStep, situation: Situation) -> Decision:
    """The assignee gives a step back to those whose roles it asks for. One without an assignee is released already."""
    step = claimable(state, command.step_id, "release")
    if isinstance(step, Rejection):
        return step
    if step.assigned_to is None:
        return []
    if command.caller.id != step.assigned_to and not holds(command.caller, "step:override"):
        return lacks(command.caller, "step:override", f"{step.step_id} is assigned to {step.assigned_to}.")
    if not step.assignee_roles:
        # It would be open to everybody who may complete steps, which nobody decided.
        return invalid_state(f"{step.step_id} asks for no role that could take it over; reassign it.", state, step)
    return [
        StepReleased(
            at=situation.now,
            actor=command.caller.actor,
            step_id=step.step_id,
            sequence=step.sequence,
            step_name=step.name,
            previous=step.assigned_to,
            reason=command.reason,
        )
    ]
