"""Who may do what to a step. What a route needs as a whole (`run:update`, …) is checked at the gateway."""

from collections.abc import Iterable

from contracts.rejections import Code, Rejection
from contracts.values import Caller
from services.run_engine.domain.plan import PlannedStep
from services.run_engine.domain.state import StepState


def holds(caller: Caller, permission: str) -> bool:
    resource = permission.partition(":")[0]
    return any(held in (permission, "*", f"{resource}:*") for held in caller.permissions)


def may_work(caller: Caller) -> bool:
    """Returns whether the caller may answer for a machine. A worker that answers over Kafka is known by its job."""
    return holds(caller, "step:work") or holds(caller, "step:override")


def may_complete_work_of_people(caller: Caller) -> bool:
    """Returns whether the caller may complete manual steps at all; a worker's token alone does not allow it."""
    return holds(caller, "step:complete") or holds(caller, "step:override")


def roles_of(step: StepState, planned: PlannedStep) -> tuple[str, ...]:
    """Whose holders may act on the step; of one that has not started, whose may then."""
    if step.started_at is not None:
        return step.assignee_roles
    return tuple(dict.fromkeys((*planned.roles, *step.assignee_roles)))


def roles_added(step: StepState, planned: PlannedStep, roles: Iterable[str]) -> list[str]:
    """Those of them that the step lacks; none of a step that everybody may work on, which they would narrow."""
    there = roles_of(step, planned)
    if step.assigned_to is None and not there and not step.candidates:
        return []
    return [role for role in dict.fromkeys(roles) if role not in there]


def not_yours(caller: Caller, step: StepState) -> Rejection:
    if step.execution_mode == "automated":
        reason = f"{step.step_id} is automated: completing it requires the permission step:work or step:override."
        return lacks(caller, "step:work", reason)
    named = {"candidates": list(step.candidates)} if step.candidates else {}
    return Rejection(
        code=Code.FORBIDDEN,
        message=f"{caller.id} is neither the assignee of {step.step_id} nor holds one of its roles.",
        details={
            "step": step.step_id,
            "assigned_to": step.assigned_to,
            **named,
            "required_roles": list(step.assignee_roles),
            "current_roles": list(caller.roles),
        },
    )


def lacks(caller: Caller, permission: str, reason: str) -> Rejection:
    return Rejection(
        code=Code.FORBIDDEN,
        message=reason,
        details={"required_permission": permission, "current_permissions": list(caller.permissions)},
    )
