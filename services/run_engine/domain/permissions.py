"""Who may do what to a run and its steps, by the permissions that came with the command.

The gateway checks before that the caller may use the route at all; signals from Kafka are checked here only.
"""

from collections.abc import Iterable, Mapping

from contracts import commands
from contracts.commands import Command
from contracts.permissions import RUN_DATA, SIGNAL_PERMISSIONS, is_granted
from contracts.rejections import Code, Rejection
from contracts.values import Caller
from services.run_engine.domain.plan import PlannedStep
from services.run_engine.domain.state import StepState


def holds(caller: Caller, permission: str) -> bool:
    return is_granted(permission, caller.permissions)


_REQUIRED: Mapping[type[Command], tuple[str, str]] = {
    commands.PauseRun: (SIGNAL_PERMISSIONS["pause"], "Pausing a run"),
    commands.ResumeRun: (SIGNAL_PERMISSIONS["resume"], "Resuming a run"),
    commands.CancelRun: (SIGNAL_PERMISSIONS["cancel"], "Cancelling a run"),
    commands.RetryStep: (SIGNAL_PERMISSIONS["retry"], "Retrying a step"),
    commands.SkipStep: (SIGNAL_PERMISSIONS["skip"], "Skipping a step"),
    commands.EscalateStep: (SIGNAL_PERMISSIONS["escalate"], "Escalating a step"),
    commands.ReassignStep: (SIGNAL_PERMISSIONS["reassign"], "Reassigning a step"),
    commands.ReceiveEvent: (SIGNAL_PERMISSIONS["event"], "Sending an event to a run"),
    commands.UpdateData: (RUN_DATA, "Changing a run's data"),
}
"""By command, its permission and what the command does."""


def not_permitted(command: Command) -> Rejection | None:
    """Returns the rejection of a signal or a change of data that its caller has no permission for."""
    permission, action = _REQUIRED.get(type(command), (None, ""))
    if permission is None or holds(command.caller, permission):
        return None
    return lacks(command.caller, permission, f"{action} requires the permission {permission}.")


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
