"""In what capacity somebody acts on a step: in their own right, or as the substitute of somebody else."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from contracts.policies import Delegation, OrganizationPolicies
from contracts.rejections import Rejection
from contracts.values import Caller
from services.run_engine.domain.approvals import no_voice, sends_back
from services.run_engine.domain.identity import Same
from services.run_engine.domain.permissions import holds, may_work, not_yours, roles_of
from services.run_engine.domain.plan import PlannedStep
from services.run_engine.domain.segregation import separated
from services.run_engine.domain.selecting import is_among
from services.run_engine.domain.situation import Situation
from services.run_engine.domain.state import RunState, StepState
from services.run_engine.domain.step_roles import lacks_required_role, required_roles


@dataclass(frozen=True, slots=True)
class Capacity:
    """Whose work it is, and the roles that count for it."""

    user: str
    roles: tuple[str, ...]
    on_behalf_of: str | None = None


def capacities(caller: Caller, state: RunState, step: StepState, situation: Situation) -> Iterator[Capacity]:
    """Those in which the caller may act on the step, their own right first. None: it is not theirs.

    A machine's step is for machines: neither its name nor a role nor a delegation gives it to a person.
    """
    if step.execution_mode == "automated":
        if may_work(caller):
            yield Capacity(caller.id, caller.roles)
        return
    asked = _Asked(state, step, situation)
    if _in_own_right(caller, step, asked):
        yield Capacity(caller.id, caller.roles)
    for delegation in lent_to(caller.id, situation.policies, situation.now):
        if _covers(delegation, step, asked):
            yield Capacity(caller.id, delegation.lent_roles, delegation.delegator)


def may_act(caller: Caller, state: RunState, step: StepState, situation: Situation) -> bool:
    return next(capacities(caller, state, step, situation), None) is not None


def may_complete(caller: Caller, state: RunState, step: StepState, situation: Situation) -> bool:
    """In some capacity, with some outcome."""
    return any(
        forbidden(capacity, state, step, situation) is None for capacity in capacities(caller, state, step, situation)
    )


def forbidden(capacity: Capacity, state: RunState, step: StepState, situation: Situation) -> Rejection | None:
    """What keeps the step from this capacity, whatever the outcome: a rule of segregation, no voice in the matrix."""
    people, planned = {capacity.user, capacity.on_behalf_of or capacity.user}, situation.plan.by_id[step.step_id]
    refusal = separated(state, step, people, situation)
    return refusal or (None if sends_back(planned) else no_voice(planned, state, capacity.roles))


def not_theirs(caller: Caller, state: RunState, step: StepState, situation: Situation) -> Rejection:
    """Returns why the caller has no capacity at the step."""
    required = required_roles(state, step, situation)
    if required and step.execution_mode == "manual":
        return lacks_required_role(caller, step, required)
    return not_yours(caller, step)


def lacks_role(caller: Caller, state: RunState, step: StepState, situation: Situation) -> bool:
    """Whether the step asks for roles, also before it starts, none of which the caller's own will do for."""
    planned = situation.plan.by_id[step.step_id]
    return bool(roles_of(step, planned)) and not _Asked(state, step, situation).among(caller.roles)


def lent_to(user: str, policies: OrganizationPolicies, now: datetime) -> list[Delegation]:
    """The delegations in force whose substitute this user is, the earliest first."""
    return [delegation for delegation in _known(Same(policies)).to.get(user, ()) if delegation.is_in_force(now)]


def audience(caller: Caller, policies: OrganizationPolicies, now: datetime) -> tuple[list[str], list[str]]:
    """Users in whose place the caller may find work, and roles beside their own; too many rather than too few."""
    lent = lent_to(caller.id, policies, now)
    users = sorted({delegation.delegator for delegation in lent if delegation.roles is None})
    roles = {role for delegation in lent for role in delegation.lent_roles}
    if policies.role_order.higher_may_act:
        order = policies.role_order.roles
        highest = max((order.index(role) for role in (*caller.roles, *roles) if role in order), default=0)
        roles.update(order[:highest])
    return users, sorted(roles.difference(caller.roles))


def substitutes_of(step: StepState, policies: OrganizationPolicies, now: datetime) -> list[str]:
    """Who may act for those whom the step names, in order of name."""
    if not policies.delegations:
        return []
    known, named = _known(Same(policies)).by, {step.assigned_to, *step.candidates} - {None}
    return sorted({
        delegation.substitute
        for user in named
        for delegation in known.get(user or "", ())
        if delegation.is_in_force(now) and delegation.lends_enough(step.assignee_roles)
    })  # fmt: skip


def stand_ins(state: RunState, step: StepState, situation: Situation) -> list[str]:
    """Whoever may act on the step in somebody's place, also of those whose roles it asks for, in order of name."""
    asked, now = _Asked(state, step, situation), situation.now
    standing = (d for d in situation.policies.delegations.values() if d.is_in_force(now) and _covers(d, step, asked))
    return sorted({delegation.substitute for delegation in standing})


def higher_roles(state: RunState, step: StepState, situation: Situation) -> list[str]:
    """The roles that may act on the step because they stand above one that it asks for, the lowest first."""
    asked = _Asked(state, step, situation)
    return [r for r in situation.policies.role_order.roles if r not in step.assignee_roles and asked.among([r])]


@dataclass(frozen=True, slots=True)
class _Delegations:
    """Of an organisation, the earliest first."""

    by: Mapping[str, Sequence[Delegation]]
    """By delegator."""
    to: Mapping[str, Sequence[Delegation]]
    """By substitute."""


@lru_cache(maxsize=64)
def _known(policies: Same[OrganizationPolicies]) -> _Delegations:
    by: dict[str, list[Delegation]] = {}
    to: dict[str, list[Delegation]] = {}
    listed = sorted(policies.value.delegations.items(), key=lambda item: (item[1].starts_at, item[0]))
    for _, delegation in listed:
        by.setdefault(delegation.delegator, []).append(delegation)
        to.setdefault(delegation.substitute, []).append(delegation)
    return _Delegations(by, to)


class _Asked:
    """The roles that a step asks for, and whether a name or a higher role may stand in their place."""

    def __init__(self, state: RunState, step: StepState, situation: Situation) -> None:
        planned: PlannedStep = situation.plan.by_id[step.step_id]
        required = required_roles(state, step, situation)
        self.names_suffice = not required
        self._roles = roles_of(step, planned)
        if required:
            self._roles = tuple(role for role in self._roles if role in required)
        self._order = situation.policies.role_order
        self._higher = bool(self._order.higher_may_act) and is_among(
            self._order.higher_may_act, state.playbook.smart_code, planned.definition
        )

    def among(self, roles: Iterable[str]) -> bool:
        held = set(roles)
        return any(role in held for role in self._roles) or (self._higher and self._below(held))

    def _below(self, held: set[str]) -> bool:
        """One of the roles that the step asks for stands below one of these. Roles outside the order never do."""
        order = self._order.roles
        highest = max((order.index(role) for role in held if role in order), default=-1)
        return any(role in order and order.index(role) < highest for role in self._roles)


def _in_own_right(caller: Caller, step: StepState, asked: _Asked) -> bool:
    """Whom it names, or a holder of one of its roles; one with neither is open to all who may complete steps."""
    if step.assigned_to is None and not step.assignee_roles and not step.candidates:
        return True
    if holds(caller, "step:override") or asked.among(caller.roles):
        return True
    return asked.names_suffice and (caller.id == step.assigned_to or caller.id in step.candidates)


def _covers(delegation: Delegation, step: StepState, asked: _Asked) -> bool:
    if asked.among(delegation.lent_roles):
        return True
    named = asked.names_suffice and delegation.delegator in (step.assigned_to, *step.candidates)
    return named and delegation.lends_enough(step.assignee_roles)
