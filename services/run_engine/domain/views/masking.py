"""What is told of fields that a form marks encrypted: a mask, or to whoever has `run:read_sensitive` their values.

No ciphertext is told, under whatever name it stands: evidence alone has it, in its events.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from contracts.encrypted import ERASED, MASK, UNREADABLE, is_encrypted, with_placeholder, with_values
from contracts.events import UnmetCondition
from services.run_engine.domain.clear import GONE, Clear, clear
from services.run_engine.domain.copying import changed
from services.run_engine.domain.plan import Plan
from services.run_engine.domain.state import RunState, StepState

Shown = Callable[[str, Any], Any]


def masked_run(state: RunState, plan: Plan) -> RunState:
    def shown(_: str, value: Any) -> Any:
        return ERASED if is_encrypted(value) and value["key_id"] in state.erased_keys else MASK

    return _without_ciphertext(_with_values(state, plan, shown), MASK)


def revealed_run(state: RunState, plan: Plan, values: Clear) -> RunState:
    """The run with what its encrypted values hold."""

    def shown(name: str, value: Any) -> Any:
        found = clear(name, value, values)
        return ERASED if found is GONE else found

    return _without_ciphertext(_with_values(state, plan, shown), UNREADABLE)


def _without_ciphertext(state: RunState, placeholder: str) -> RunState:
    """Hides encrypted values that stand under other names than their own, where clients could once put them."""
    steps = {step_id: _step_without_ciphertext(step, placeholder) for step_id, step in state.steps.items()}
    return changed(
        state,
        data=with_placeholder(state.data, placeholder),
        context=with_placeholder(state.context, placeholder),
        metadata=with_placeholder(state.metadata, placeholder),
        steps=steps,
    )


def _step_without_ciphertext(step: StepState, placeholder: str) -> StepState:
    if not step.data and not step.unmet:
        return step
    unmet = tuple(
        u.model_copy(update={"actual_value": with_placeholder(u.actual_value, placeholder)}) for u in step.unmet
    )
    return changed(step, data=with_placeholder(step.data, placeholder), unmet=unmet)


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
