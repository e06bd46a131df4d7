"""The policy `step_roles`: the steps at which being named is not enough, because the playbook's roles are required."""

from collections.abc import Iterable

from contracts.rejections import Code, Rejection
from contracts.values import Caller
from services.run_engine.domain.plan import PlannedStep
from services.run_engine.domain.selecting import is_among
from services.run_engine.domain.situation import Situation
from services.run_engine.domain.state import RunState, StepState
from services.run_engine.domain.timing import escalation_roles


def required_roles(state: RunState, step: StepState, situation: Situation) -> tuple[str, ...]:
    """Returns the roles of which whoever works on the step must hold one; none where the policy does not ask for it.

    They are those of the playbook. A role that a signal adds does not count: otherwise the right to escalate would be
    the right to complete.
    """
    selectors, planned = situation.policies.step_roles.required_at, situation.plan.by_id[step.step_id]
    if not selectors or not is_among(selectors, state.playbook.smart_code, planned.definition):
        return ()
    return _roles_of_playbook(planned)


def _roles_of_playbook(planned: PlannedStep) -> tuple[str, ...]:
    """Returns the step's own roles, those of its approval matrix, and those that it escalates to by itself."""
    return tuple(dict.fromkeys((*planned.roles, *escalation_roles(planned), *planned.auto_escalation)))


def refuse_other_roles(
    state: RunState, step: StepState, added: Iterable[str], situation: Situation
) -> Rejection | None:
    """Returns the rejection of an escalation to roles that could not work on the step."""
    required = required_roles(state, step, situation)
    others = [role for role in added if role not in required]
    if not required or not others:
        return None
    message = f"The policy step_roles opens {step.step_id} only to {', '.join(required)}, not to {', '.join(others)}."
    return _rejection(message, step, required, roles=others)


def lacks_required_role(caller: Caller, step: StepState, required: tuple[str, ...]) -> Rejection:
    message = f"{caller.id} holds none of the roles that the policy step_roles requires for {step.step_id}."
    return _rejection(message, step, required, current_roles=list(caller.roles))


def _rejection(message: str, step: StepState, required: tuple[str, ...], **more: list[str]) -> Rejection:
    details = {"step": step.step_id, "policy": "step_roles", "required_roles": list(required), **more}
    return Rejection(code=Code.FORBIDDEN, message=message, details=details)
