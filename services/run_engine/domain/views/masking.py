"""What is told of fields that a form marks encrypted: a mask, or to whoever has `run:read_sensitive` their values."""

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from contracts.encrypted import ERASED, MASK, is_encrypted, with_values
from contracts.events import UnmetCondition
from services.run_engine.domain.clear import GONE, Clear, clear
from services.run_engine.domain.copying import changed
from services.run_engine.domain.plan import Plan
from services.run_engine.domain.state import RunState, StepState

Shown = Callable[[str, Any], Any]


def masked_run(state: RunState, plan: Plan) -> RunState:
    def shown(_: str, value: Any) -> Any:
        return ERASED if is_encrypted(value) and value["key_id"] in state.erased_keys else MASK

    return _with_values(state, plan, shown)


def revealed_run(state: RunState, plan: Plan, values: Clear) -> RunState:
    """The run with what its encrypted values hold."""

    def shown(_: str, value: Any) -> Any:
        found = clear(value, values)
        return ERASED if found is GONE else found

    return _with_values(state, plan, shown)


def _with_values(state: RunState, plan: Plan, shown: Shown) -> RunState:
    hidden = plan.definition.encrypted_fields
    if not hidden:
        return state
    steps = {step_id: _step(step, hidden, shown) for step_id, step in state.steps.items()}
    return changed(state, data=with_values(state.data, hidden, shown), steps=steps)


def _step(step: StepState, hidden: Collection[str], shown: Shown) -> StepState:
    unmet = tuple(_condition(condition, hidden, shown) for condition in step.unmet)
    return changed(step, data=with_values(step.data, hidden, shown), unmet=unmet) if step.data or unmet else step


def _condition(unmet: UnmetCondition, hidden: Collection[str], shown: Shown) -> UnmetCondition:
    looked_at = {part for field in _fields(unmet.condition) for part in field.split(".")}
    if looked_at.isdisjoint(hidden):
        return unmet
    return unmet.model_copy(update={"actual_value": shown("", unmet.actual_value)})


def _fields(condition: Mapping[str, Any]) -> Iterator[str]:
    yield condition.get("field") or ""
    for inner in condition.get("conditions") or ():
        yield from _fields(inner)
