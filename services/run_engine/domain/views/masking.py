"""What is told to whoever lacks `run:read_sensitive`: all but the values of fields that a form marks encrypted."""

from collections.abc import Iterator, Mapping
from typing import Any

from contracts.events import UnmetCondition
from contracts.values import Caller
from services.run_engine.domain.copying import changed
from services.run_engine.domain.forms import encrypted_fields
from services.run_engine.domain.permissions import holds
from services.run_engine.domain.plan import Plan
from services.run_engine.domain.state import RunState, StepState

MASK = "********"
SENSITIVE = "run:read_sensitive"


def seen_by(caller: Caller, state: RunState, plan: Plan) -> RunState:
    """The run as the caller may see it."""
    return state if holds(caller, SENSITIVE) else masked_run(state, plan)


def masked_run(state: RunState, plan: Plan) -> RunState:
    hidden = {name for step in plan.steps for name in encrypted_fields(step.definition.metadata)}
    if not hidden:
        return state
    steps = {step_id: _masked_step(step, hidden) for step_id, step in state.steps.items()}
    return changed(state, data=_masked(state.data, hidden), steps=steps)


def _masked_step(step: StepState, hidden: set[str]) -> StepState:
    unmet = tuple(_masked_condition(condition, hidden) for condition in step.unmet)
    return changed(step, data=_masked(step.data, hidden), unmet=unmet) if step.data or unmet else step


def _masked_condition(unmet: UnmetCondition, hidden: set[str]) -> UnmetCondition:
    looked_at = {part for field in _fields(unmet.condition) for part in field.split(".")}
    return unmet if looked_at.isdisjoint(hidden) else unmet.model_copy(update={"actual_value": MASK})


def _fields(condition: Mapping[str, Any]) -> Iterator[str]:
    yield condition.get("field") or ""
    for inner in condition.get("conditions") or ():
        yield from _fields(inner)


def _masked(data: dict[str, Any], hidden: set[str]) -> dict[str, Any]:
    return {key: MASK if key in hidden else value for key, value in data.items()}
