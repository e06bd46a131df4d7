"""Conditions over a run's data: which ones do not hold, and why.

What is missing, erased or of another type is not satisfied.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from contracts.definitions import Condition
from contracts.events import UnmetCondition
from services.run_engine.domain.clear import GONE, NOTHING, Clear, clear, nothing
from services.run_engine.domain.comparing import TESTS, Mismatch, both_texts
from services.run_engine.domain.lifecycle import StepStatus
from services.run_engine.domain.looks import Looks
from services.run_engine.domain.patterns import Tries, Untried
from services.run_engine.domain.sizes import cut, written
from services.run_engine.domain.state import RunState, StepState

_MISSING: Any = object()


@dataclass(frozen=True, slots=True)
class Facts:
    """What conditions look at."""

    data: Mapping[str, Any]
    context: Mapping[str, Any]
    steps: Mapping[str, StepState]
    clear: Clear = field(default_factory=nothing)
    looks: Looks = field(default_factory=Looks)
    ids_at: Mapping[int, Sequence[str]] | None = None
    """By sequence number, the ids of its steps, where that is known."""

    @classmethod
    def of(cls, state: RunState) -> "Facts":
        return cls(state.data, state.context, state.steps)

    def statuses_at(self, sequence: int) -> list[StepStatus]:
        if self.ids_at is None:
            return [step.status_without_pause for step in self.steps.values() if step.sequence == sequence]
        return [self.steps[step_id].status_without_pause for step_id in self.ids_at.get(sequence, ())]


def unmet(conditions: Iterable[Condition], facts: Facts) -> list[UnmetCondition]:
    """The conditions of an AND list that do not hold, each with its reason."""
    results = ((condition, _verdict(condition, facts)) for condition in conditions)
    return [_told(condition, *verdict, facts.looks) for condition, verdict in results if verdict is not None]


def _told(condition: Condition, reason: str, actual: Any, looks: Looks) -> UnmetCondition:
    return UnmetCondition(
        condition=condition.model_dump(exclude_none=True), reason=cut(reason), actual_value=looks.told(actual)
    )


Verdict = tuple[str, Any] | None
"""None where the condition holds, else the reason and the actual value, which is not told of encrypted ones."""


def _verdict(condition: Condition, facts: Facts) -> Verdict:
    if condition.step is not None:
        return _step_verdict(condition, facts)
    if condition.conditions is not None:
        return _group_verdict(condition, facts)
    return _field_verdict(condition, facts)


def _step_verdict(condition: Condition, facts: Facts) -> Verdict:
    statuses = facts.statuses_at(condition.step or 0)
    expected = condition.status or "completed"
    wrong = [status for status in statuses if status != expected]
    if not statuses:
        return f"Step {condition.step} does not exist", None
    return (f"Step {condition.step} is {wrong[0]}, expected {expected}", wrong[0]) if wrong else None


def _group_verdict(condition: Condition, facts: Facts) -> Verdict:
    failing = [v for inner in condition.conditions or [] if (v := _verdict(inner, facts)) is not None]
    held = len(condition.conditions or []) - len(failing)
    match condition.operator:
        case "or":
            return ("None of the conditions holds: " + _reasons(failing), None) if not held else None
        case "not":
            return ("The conditions hold, and should not", None) if not failing else None
        case "and":
            return (_reasons(failing), None) if failing else None
        case other:
            return f"Unknown group operator {other!r}", None


def _reasons(failing: list[tuple[str, Any]]) -> str:
    return "; ".join(reason for reason, _ in failing) or "it is empty"


def _field_verdict(condition: Condition, facts: Facts) -> Verdict:
    path, operator = condition.field or "", condition.operator or ""
    actual, is_secret, is_unreadable = _seen(path, facts)
    if is_unreadable and operator not in ("exists", "not_exists"):
        return f"Field {path!r} holds an encrypted value that can't be read", None
    verdict = _tested(path, operator, condition.value, actual, facts.looks)
    return verdict if verdict is None or not is_secret else (verdict[0], None)


def _seen(path: str, facts: Facts) -> tuple[Any, bool, bool]:
    """The value that the condition is about; whether some of it is encrypted; and whether some can't be read."""
    found = look_up(path, facts)
    actual, is_unreadable = facts.looks.clear(found, facts.clear)
    is_secret = bool(facts.clear) and actual is not look_up(path, replace(facts, clear=NOTHING))
    return actual, is_secret, is_unreadable and actual is not GONE


def _tested(path: str, operator: str, expected: Any, actual: Any, looks: Looks) -> Verdict:
    absent = _why_absent(path, actual)
    if operator == "exists":
        return (absent, None) if absent else None
    if operator == "not_exists":
        return None if absent else (f"Field {path!r} is there", actual)
    if actual is not None and absent:
        return absent, None
    if operator not in TESTS and operator != "matches":
        return f"Unknown operator {operator!r}", actual
    try:
        is_pattern = operator == "matches"
        holds = _matches(actual, expected, looks.patterns) if is_pattern else looks.holds(operator, actual, expected)
        return None if holds else (f"{path} {operator} {written(expected)} does not hold", actual)
    except Mismatch as mismatch:
        return f"{path}: {mismatch}", actual


def _matches(actual: Any, value: Any, tries: Tries) -> bool:
    text, pattern = both_texts(actual, value)
    try:
        return tries.found(pattern, text)
    except Untried as untried:
        raise Mismatch(str(untried)) from None


def _why_absent(path: str, actual: Any) -> str | None:
    """None for a value that is there. What is null is no value."""
    if actual is GONE:
        return f"Field {path!r} was erased"
    if actual is _MISSING:
        return f"Field {path!r} is missing"
    return f"Field {path!r} is null" if actual is None else None


def look_up(path: str, facts: Facts) -> Any:
    """The value at a dotted path: over the run's data, `context.<field>`, or `steps.<step_id>.<field>`."""
    head, _, rest = path.partition(".")
    if head == "context" and rest:
        return _walk(facts.context, rest, facts.clear)
    if head == "steps" and rest:
        step_id, _, field = rest.partition(".")
        step = facts.steps.get(step_id)
        return _MISSING if step is None else _of_step(step, field, facts.clear)
    return _walk(facts.data, path, facts.clear)


def _of_step(step: StepState, field: str, values: Clear) -> Any:
    found = _walk(step.data, field, values)
    if found is _MISSING and field in ("status", "outcome", "completed_by"):
        found = step.status_without_pause if field == "status" else getattr(step, field)
    return found


def _walk(value: Any, path: str, values: Clear) -> Any:
    if isinstance(value, Mapping) and path in value:
        return clear(path, value[path], values)
    for part in path.split("."):
        if isinstance(value, Mapping) and part in value:
            value = clear(part, value[part], values)
        elif isinstance(value, list) and _is_index(part) and int(part) < len(value):
            value = value[int(part)]
        else:
            return _MISSING
    return value


def _is_index(part: str) -> bool:
    return part.isascii() and part.isdigit() and len(part) < 10
