from contracts.commands import ReleaseStep
from contracts.events import StepReleased
from contracts.rejections import Rejection
from services.run_engine.domain.acting import capacities
from services.run_engine.domain.deciders.claim_step import claimable
from services.run_engine.domain.permissions import holds, lacks
from services.run_engine.domain.situation import Decision, Situation, invalid_state
from services.run_engine.domain.state import RunState, StepState


def release_step(state: RunState, command: ReleaseStep, situation: Situation) -> Decision:
    """The assignee gives a step back to its other users and roles. One without an assignee is released already."""
    step = claimable(state, command.step_id, "release")
    if isinstance(step, Rejection):
        return step
    if step.assigned_to is None:
        return []
    owner = _owner(command, state, step, situation)
    if owner is None:
        return lacks(command.caller, "step:override", f"{step.step_id} is assigned to {step.assigned_to}.")
    if not step.assignee_roles and not step.candidates:
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
            on_behalf_of=owner if owner != command.caller.id else None,
            open_to=step.open_to(assigned_to=None),
        )
    ]


def _owner(command: ReleaseStep, state: RunState, step: StepState, situation: Situation) -> str | None:
    """Whose step the caller gives back: their own, or that of somebody for whom they stand in. None: nobody's."""
    caller = command.caller
    if caller.id == step.assigned_to or holds(caller, "step:override"):
        return caller.id
    stands_in = (capacity.on_behalf_of for capacity in capacities(caller, state, step, situation))
    return step.assigned_to if step.assigned_to in stands_in else None
