"""What a decision rests on besides the run's state, and the answers that deciders share."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from contracts import limits
from contracts.policies import OrganizationPolicies
from contracts.rejections import Code, Rejection
from services.run_engine.domain.clear import Clear, nothing
from services.run_engine.domain.evolve import RunEvent
from services.run_engine.domain.lifecycle import ALLOWED_ON_RUN, ALLOWED_ON_STEP
from services.run_engine.domain.looks import Looks
from services.run_engine.domain.plan import Plan
from services.run_engine.domain.sizes import shortened
from services.run_engine.domain.state import RunState, StepState

Decision = Sequence[RunEvent] | Rejection


@dataclass(frozen=True, slots=True)
class Situation:
    plan: Plan
    policies: OrganizationPolicies
    now: datetime
    clear: Clear = field(default_factory=nothing)
    """What the encrypted values of run and command hold."""
    caused_by: str | None = None
    """The user whose command is decided."""
    looks: Looks = field(default_factory=Looks)
    """Of the conditions of all steps that may start."""
    contract_looks: Looks = field(default_factory=Looks)
    """Of the contract of the step that is completed: whatever it costs, what follows is still looked at."""


def refused_by_run(state: RunState, action: str, verb: str) -> Rejection | None:
    """The rejection where the run's status does not allow the action; `verb` says it in the sentence."""
    if action in ALLOWED_ON_RUN[state.status]:
        return None
    return invalid_state(f"Expected to {verb}, but it is {state.status}.", state)


def invalid_state(message: str, state: RunState, step: StepState | None = None) -> Rejection:
    details: dict[str, Any] = {"run_id": state.run_id, "current_status": state.status}
    if step is not None:
        details |= {"step": step.step_id, "current_status": step.status, "run_status": state.status}
    return Rejection(
        code=Code.INVALID_STATE, message=message, details={**details, "allowed": list(ALLOWED_ON_RUN[state.status])}
    )


def refused_by_step(state: RunState, step: StepState, action: str) -> Rejection | None:
    """The rejection where the step's status does not allow the action."""
    if step.status in ALLOWED_ON_STEP[action]:
        return None
    return invalid_state(f"Expected to {action} {step.step_id}, but it is {step.status}.", state, step)


def unknown_step(state: RunState, step_id: str) -> Rejection:
    return Rejection(
        code=Code.NOT_FOUND,
        message=f"Run {state.run_id} has no step {step_id}.",
        details={"run_id": state.run_id, "step": step_id, "steps": list(state.steps)},
    )


def invalid_field(field: str, value: Any, reason: str, **more: Any) -> Rejection:
    return Rejection(
        code=Code.VALIDATION_ERROR, message=reason, details={"field": field, "value": value, "reason": reason, **more}
    )


def bad_name(field: str, name: str, whose: str) -> Rejection | None:
    """The rejection of what names nobody; `whose` says what it should: a user by their id, or a role."""
    if not name or name != name.strip():
        return invalid_field(field, name, f"{whose} is named by a text without blanks around it")
    if len(name) > limits.NAME_LENGTH:
        reason = f"{whose} is named by {limits.NAME_LENGTH} characters at most; it has {len(name)}"
        return invalid_field(field, shortened(name), reason)
    return None


def minutes_of_work(state: RunState, step: StepState, now: datetime) -> float:
    """Minutes since the attempt began, pauses left out."""
    if step.started_at is None:
        return 0
    standing = state.paused_seconds_now(now) if step.status == "paused" and step.execution_mode == "manual" else 0.0
    return minutes((now - step.started_at).total_seconds() - step.paused_seconds - standing)


def minutes_of_run(state: RunState, now: datetime) -> float:
    begun = state.started_at or state.created_at
    return minutes((now - begun).total_seconds() - state.paused_seconds - state.paused_seconds_now(now))


def minutes(seconds: float) -> float:
    """Whole where it is whole, never below 0, to the millisecond's worth of digits."""
    value = round(max(0.0, seconds) / 60, 4)
    return int(value) if value == int(value) else value
