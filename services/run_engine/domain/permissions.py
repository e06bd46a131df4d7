"""Who may do what to a step. What a route needs as a whole (`run:update`, …) is checked at the gateway."""

from contracts.rejections import Code, Rejection
from contracts.values import Caller
from services.run_engine.domain.state import StepState


def holds(caller: Caller, permission: str) -> bool:
    resource = permission.partition(":")[0]
    return any(held in (permission, "*", f"{resource}:*") for held in caller.permissions)


def not_yours(caller: Caller, step: StepState) -> Rejection:
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
