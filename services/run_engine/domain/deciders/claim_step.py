from contracts.commands import ClaimStep
from contracts.events import StepAssigned
from contracts.rejections import Code, Rejection
from services.run_engine.domain.acting import Capacity, capacities, forbidden, not_theirs
from services.run_engine.domain.copying import changed
from services.run_engine.domain.situation import Decision, Situation, invalid_state, refused_by_run, unknown_step
from services.run_engine.domain.state import RunState, StepState


def claim_step(state: RunState, command: ClaimStep, situation: Situation) -> Decision:
    """The caller takes a step that is offered to several. What is the caller's already stays so, without an event."""
    step = claimable(state, command.step_id, "claim")
    if isinstance(step, Rejection):
        return step
    capacity = _capacity(state, step, command, situation)
    if isinstance(capacity, Rejection):
        return _taken(step) if _is_lost_race(state, step, command, situation) else capacity
    owner = capacity.on_behalf_of or command.caller.id
    if step.assigned_to in (owner, command.caller.id):
        return []
    if step.assigned_to is not None:
        return _taken(step)
    return [
        StepAssigned(
            at=situation.now,
            actor=command.caller.actor,
            step_id=step.step_id,
            sequence=step.sequence,
            step_name=step.name,
            assigned_to=owner,
            reason="claimed",
            candidates=list(step.candidates),
            on_behalf_of=capacity.on_behalf_of,
            open_to=step.open_to(assigned_to=owner),
        )
    ]


def _capacity(state: RunState, step: StepState, command: ClaimStep, situation: Situation) -> Capacity | Rejection:
    """A substitute claims for whom they stand in. What somebody may not complete they may not claim either."""
    refusal: Rejection | None = None
    for capacity in capacities(command.caller, state, step, situation):
        found = forbidden(capacity, state, step, situation)
        if found is None:
            return capacity
        refusal = refusal or found
    return refusal or not_theirs(command.caller, state, step, situation)


def _is_lost_race(state: RunState, step: StepState, command: ClaimStep, situation: Situation) -> bool:
    """Returns whether the caller may claim the step, but for somebody who claimed it first."""
    if step.assigned_to is None or step.claimed_by != step.assigned_to:
        return False
    return isinstance(_capacity(state, changed(step, assigned_to=None), command, situation), Capacity)


def claimable(state: RunState, step_id: str, action: str) -> StepState | Rejection:
    """The step, if a person can work on it now."""
    step = state.steps.get(step_id)
    if step is None:
        return unknown_step(state, step_id)
    refusal = refused_by_run(state, action, f"{action} {step_id} of {state.run_id}")
    if refusal is not None:
        return refusal
    if step.status != "in_progress":
        return invalid_state(f"Expected to {action} {step_id}, but it is {step.status}.", state, step)
    if step.execution_mode != "manual":
        return invalid_state(f"Expected to {action} {step_id}, but it is automated.", state, step)
    return step


def _taken(step: StepState) -> Rejection:
    return Rejection(
        code=Code.CONFLICT,
        message=f"{step.step_id} is assigned to {step.assigned_to} already.",
        details={
            "step": step.step_id,
            "assigned_to": step.assigned_to,
            "reason": "Only a step without an assignee is claimed; its assignee can release it",
        },
    )
