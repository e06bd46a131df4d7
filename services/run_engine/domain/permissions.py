"""Who may do what to a step. What a route needs as a whole (`run:update`, …) is checked at the gateway."""

from collections.abc import Iterable

from contracts.rejections import Code, Rejection
from contracts.values import Caller
from services.run_engine.domain.state import StepState


def holds(caller: Caller, permission: str) -> bool:
    resource = permission.partition(":")[0]
    return any(held in (permission, "*", f"{resource}:*") for held in caller.permissions)


def roles_added(step: StepState, roles: Iterable[str]) -> list[str]:
    """Those of them that the step lacks; none of a step that everybody may work on, which they would narrow."""
    if step.assigned_to is None and not step.assignee_roles and not step.candidates:
        return []
    return [role for role in dict.fromkeys(roles) if role not in step.assignee_roles]


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
