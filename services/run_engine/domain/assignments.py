"""Steps that follow, given to people by whoever completes a step: to one, or to several of whom any may act."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from contracts.commands import CompleteStep
from contracts.events import StepAssigned, StepOffered
from contracts.permissions import REASSIGN
from contracts.rejections import Rejection
from services.run_engine.domain.acting import lacks_role, lent_to
from services.run_engine.domain.evolve import RunEvent
from services.run_engine.domain.permissions import holds, lacks
from services.run_engine.domain.situation import Situation, bad_name, invalid_field
from services.run_engine.domain.state import RunState, StepState

MAX_USERS = 100


@dataclass(frozen=True, slots=True)
class Named:
    """By step that has not started: its one user, or its several."""

    assignments: dict[str, str]
    candidates: dict[str, list[str]]


def bad_assignments(state: RunState, command: CompleteStep, situation: Situation) -> Rejection | None:
    return _malformed(state, command) or _takes_too_much(state, command, situation)


def _takes_too_much(state: RunState, command: CompleteStep, situation: Situation) -> Rejection | None:
    """What is a reassignment's: to take open work from whoever has it, or a step whose roles one lacks for oneself."""
    caller = command.caller
    if holds(caller, REASSIGN) or holds(caller, "step:override"):
        return None
    mine = {caller.id, *(delegation.delegator for delegation in lent_to(caller.id, situation.policies, situation.now))}
    for step_id, users in _users(command).items():
        step = state.steps[step_id]
        if step.is_open and step.assigned_to is not None and step.assigned_to not in {*users, *mine}:
            return lacks(caller, REASSIGN, f"{step_id} is assigned to {step.assigned_to}.")
        if caller.id in users and not _is_named(caller.id, step) and lacks_role(caller, state, step, situation):
            return lacks(caller, REASSIGN, f"{caller.id} holds none of the roles of {step_id}.")
    return None


def _is_named(user: str, step: StepState) -> bool:
    return user == step.assigned_to or user in step.candidates


def _malformed(state: RunState, command: CompleteStep) -> Rejection | None:
    for step_id, users in command.next_step_assignments.items():
        field = f"completion.next_step_assignments.{step_id}"
        step = state.steps.get(step_id)
        if step is None:
            return invalid_field(field, step_id, f"The run has no step {step_id}", steps=list(state.steps))
        if step.is_ended or step_id == command.step_id:
            return invalid_field(field, step_id, f"{step_id} does not follow {command.step_id}")
        if len(users) > MAX_USERS:
            return invalid_field(
                field, len(users), f"A step is given to {MAX_USERS} users at most; name a role instead"
            )
        for index, user in enumerate(users):
            refusal = bad_name(f"{field}[{index}]", user, "A user")
            if refusal is not None:
                return refusal
    return None


def named_for(state: RunState, command: CompleteStep) -> Named:
    pending = {i: users for i, users in _users(command).items() if state.steps[i].status == "pending"}
    return Named(
        {i: users[0] for i, users in pending.items() if len(users) == 1},
        {i: users for i, users in pending.items() if len(users) > 1},
    )


NOBODY = Named({}, {})


def handed(state: RunState, command: CompleteStep, now: datetime, but: Named = NOBODY) -> list[RunEvent]:
    """The events of steps that are given at once: all that are named, but those for which their start will say it."""
    given = ((state.steps[i], users) for i, users in _users(command).items())
    later = but.assignments.keys() | but.candidates.keys()
    return [_handed(step, users, command, now) for step, users in given if step.step_id not in later]


def _users(command: CompleteStep) -> Mapping[str, list[str]]:
    """Each user once, in order; a step for which nobody is named is left out."""
    return {i: list(dict.fromkeys(users)) for i, users in command.next_step_assignments.items() if users}


def _handed(step: StepState, users: list[str], command: CompleteStep, now: datetime) -> RunEvent:
    actor = command.caller.actor
    if len(users) > 1:
        return StepOffered(
            at=now, actor=actor, step_id=step.step_id, sequence=step.sequence, step_name=step.name, candidates=users,
            previous=step.assigned_to, open_to=step.open_to(assigned_to=None, candidates=users),
        )  # fmt: skip
    return StepAssigned(
        at=now, actor=actor, step_id=step.step_id, sequence=step.sequence, step_name=step.name, assigned_to=users[0],
        previous=step.assigned_to, open_to=step.open_to(assigned_to=users[0], candidates=[]),
    )  # fmt: skip
