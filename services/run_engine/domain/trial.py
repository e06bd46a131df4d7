"""What of a run would break a policy if it were in force now."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from contracts.encrypted import is_encrypted
from contracts.policies import FourEyes
from services.run_engine.domain.controls import beyond_controls
from services.run_engine.domain.limits import limit_violation
from services.run_engine.domain.permissions import roles_of
from services.run_engine.domain.segregation import clash_with
from services.run_engine.domain.situation import Situation
from services.run_engine.domain.state import RunState, StepState
from services.run_engine.domain.step_roles import required_roles

Found = dict[str, Any]


def violations(kind: str, state: RunState, situation: Situation) -> list[Found]:
    """By step. `situation` has the policies with the one that is tried in place."""
    return [
        {"step_id": step.step_id, "step_name": step.name, "step_status": step.status, "policy": kind, **found}
        for step in state.steps.values()
        for found in _CHECKS[kind](state, step, situation)
    ]


def _controls(_: RunState, step: StepState, situation: Situation) -> Iterator[Found]:
    """A machine's success on it would not count; a person may still do what fell to people."""
    definition = situation.plan.by_id[step.step_id].definition
    refusal = beyond_controls(definition, situation.policies.financial_controls)
    if refusal is not None and not step.is_ended and step.execution_mode != "manual":
        yield {name: value for name, value in refusal.details.items() if name != "policy"}


def _limits(state: RunState, step: StepState, situation: Situation) -> Iterator[Found]:
    """Of an approval whose amount is known: votes that would not have counted, and roles that may not approve it."""
    policies = situation.policies
    if step.step_type != "approval" or step.is_ended or policies.approval_limit.field not in state.data:
        return
    amount = state.data[policies.approval_limit.field]
    if is_encrypted(amount):  # nobody is told what nobody may read
        return
    for vote in step.approvals:
        beyond = limit_violation(policies, amount, vote.roles) if vote.vote == "approve" else None
        if beyond is not None:
            yield {"violation": "vote_beyond_limit", "user": vote.user, **beyond}
    roles = roles_of(step, situation.plan.by_id[step.step_id])
    beyond = limit_violation(policies, amount, roles) if roles else None
    if beyond is not None:
        yield {"violation": "no_role_may_approve", "roles": list(roles), **beyond}


def _duties(state: RunState, step: StepState, situation: Situation) -> Iterator[Found]:
    """Steps that one user has done both of already, and open ones that are given to who may not do them."""
    done, named = step.people, {step.assigned_to, *step.candidates} - {None}
    for rule in situation.policies.segregation_of_duties.rules:
        people = done if step.is_ended else done | {user for user in named if user is not None}
        clash = clash_with(rule, state, step, people, situation.plan)
        if clash is not None:
            violation = "done_by_one" if clash["user"] in done else "given_to_who_may_not"
            kind = "four_eyes" if isinstance(rule, FourEyes) else "separate_steps"
            yield {"violation": violation, "rule": rule.name, "type": kind, **_renamed(clash)}


def _roles(state: RunState, step: StepState, situation: Situation) -> Iterator[Found]:
    """Of an open step: votes of those who hold none of the required roles. What roles others hold nobody knows here."""
    required = required_roles(state, step, situation)
    if step.is_ended or not required:
        return
    for vote in step.approvals:
        if set(required).isdisjoint(vote.roles):
            yield {"violation": "vote_without_role", "user": vote.user, "required_roles": list(required)}


def _renamed(clash: Found) -> Found:
    return {"conflicting_step" if name == "step" else name: value for name, value in clash.items()}


_CHECKS: Mapping[str, Callable[[RunState, StepState, Situation], Iterator[Found]]] = {
    "financial_controls": _controls,
    "notifications": lambda *_: iter(()),
    "approval_limit": _limits,
    "role_order": _limits,
    "segregation_of_duties": _duties,
    "step_roles": _roles,
}
"""By kind of policy: what it bounds."""
