from contracts.commands import EscalateStep
from contracts.events import StepEscalated
from contracts.permissions import REASSIGN
from contracts.rejections import Rejection
from services.run_engine.domain.bounds import too_many_roles
from services.run_engine.domain.permissions import holds, lacks, roles_added
from services.run_engine.domain.signals import chosen_step
from services.run_engine.domain.situation import (
    Decision,
    Situation,
    bad_name,
    invalid_field,
    refused_by_run,
    refused_by_step,
)
from services.run_engine.domain.state import RunState
from services.run_engine.domain.step_roles import refuse_other_roles
from services.run_engine.domain.timing import escalation_roles


def escalate_step(state: RunState, command: EscalateStep, situation: Situation) -> Decision:
    """Adds roles to those who may act, or gives the step to somebody in its assignee's place; its other roles and users
    may act as before. To name an assignee is a reassignment, and requires its permission too."""
    refusal = _reassigns(command) or refused_by_run(state, "escalate", f"escalate a step of {state.run_id}")
    refusal = refusal or _bad_names(command)
    if refusal is not None:
        return refusal
    step = chosen_step(state, command.step_id, ("in_progress", "paused", "blocked"), "open")
    if isinstance(step, Rejection):
        return step
    refusal = refused_by_step(state, step, "escalate") or too_many_roles(step, command.escalate_to)
    if refusal is not None:
        return refusal
    planned = situation.plan.by_id[step.step_id]
    roles = command.escalate_to or escalation_roles(planned) or planned.auto_escalation
    if not roles and command.assignee is None:
        return invalid_field("signal.escalate_to", [], "An escalation names roles, or an assignee")
    added = roles_added(step, planned, roles)
    refusal = refuse_other_roles(state, step, added, situation)
    if refusal is not None:
        return refusal
    return [
        StepEscalated(
            at=situation.now,
            actor=command.caller.actor,
            step_id=step.step_id,
            sequence=step.sequence,
            step_name=step.name,
            roles_added=added,
            assigned_to=command.assignee,
            reason=command.reason,
            open_to=step.open_to(*added, assigned_to=command.assignee or step.assigned_to),
        )
    ]


def _reassigns(command: EscalateStep) -> Rejection | None:
    if command.assignee is None or holds(command.caller, REASSIGN):
        return None
    reason = f"Escalating a step to an assignee also requires the permission {REASSIGN}."
    return lacks(command.caller, REASSIGN, reason)


def _bad_names(command: EscalateStep) -> Rejection | None:
    named = [(f"signal.escalate_to[{n}]", role, "A role") for n, role in enumerate(command.escalate_to)]
    named += [("signal.assignee", command.assignee, "An assignee")] if command.assignee is not None else []
    return next((refusal for field, name, whose in named if (refusal := bad_name(field, name, whose))), None)
