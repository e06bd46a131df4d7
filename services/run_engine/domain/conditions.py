"""Conditions over a run's data: which ones do not hold, and why.

No coercion; what is missing or of another type is not satisfied.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from contracts.definitions import Condition
from contracts.events import UnmetCondition
from services.run_engine.domain.clear import GONE, NOTHING, Clear, clear, nothing
from services.run_engine.domain.loose import is_number
from services.run_engine.domain.patterns import Tries, Untried
from services.run_engine.domain.sizes import json_bytes
from services.run_engine.domain.state import RunState, StepState

_MISSING: Any = object()
_TOLD = 500
"""Of a value or a reason so many characters are kept: each unmet condition stands in the run, and in an event."""
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}(?:$|[T ])")


@dataclass(frozen=True, slots=True)
class Facts:
    """What conditions look at."""

    data: Mapping[str, Any]
    context: Mapping[str, Any]
    steps: Mapping[str, StepState]
    clear: Clear = field(default_factory=nothing)
    patterns: Tries = field(default_factory=Tries)

    @classmethod
    def of(cls, state: RunState, clear: Clear = NOTHING) -> "Facts":
        return cls(state.data, state.context, state.steps, clear)


class _Mismatch(Exception):
    """The two sides can't be compared; the text says why."""


def unmet(conditions: Iterable[Condition], facts: Facts) -> list[UnmetCondition]:
    """The conditions of an AND list that do not hold, each with its reason."""
    results = ((condition, _verdict(condition, facts)) for condition in conditions)
    return [_told(condition, *verdict) for condition, verdict in results if verdict is not None]


def _told(condition: Condition, reason: str, actual: Any) -> UnmetCondition:
    return UnmetCondition(
        condition=condition.model_dump(exclude_none=True), reason=_cut(reason), actual_value=shortened(actual)
    )


def shortened(actual: Any) -> Any:
    """The value, or the beginning of a large one as text: it is told, and kept, once for each thing that is wrong."""
    return actual if json_bytes(actual) <= _TOLD else _cut(str(actual))


def _cut(reason: str) -> str:
    return reason if len(reason) <= _TOLD else f"{reason[:_TOLD]}…"


def _short(value: Any) -> str:
    return _cut(repr(value))


Verdict = tuple[str, Any] | None
"""None where the condition holds, else the reason and the actual value, which is not told of encrypted ones."""


def _verdict(condition: Condition, facts: Facts) -> Verdict:
    if condition.step is not None:
        return _step_verdict(condition, facts)
    if condition.conditions is not None:
        return _group_verdict(condition, facts)
    return _field_verdict(condition, facts)


def _step_verdict(condition: Condition, facts: Facts) -> Verdict:
    statuses = [step.status for step in facts.steps.values() if step.sequence == condition.step]
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
    actual, is_secret = _seen(path, facts)
    verdict = _tested(path, operator, condition.value, actual, facts.patterns)
    return verdict if verdict is None or not is_secret else (verdict[0], None)


def _seen(path: str, facts: Facts) -> tuple[Any, bool]:
    """The value that the condition is about, and whether that is encrypted."""
    actual = look_up(path, facts)
    if not facts.clear:
        return actual, False
    return actual, actual is not look_up(path, replace(facts, clear=NOTHING))


def _tested(path: str, operator: str, expected: Any, actual: Any, tries: Tries) -> Verdict:
    if operator == "exists":
        return None if _is_there(actual) else (f"Field {path!r} is missing", None)
    if operator == "not_exists":
        return (f"Field {path!r} is there", actual) if _is_there(actual) else None
    if actual is _MISSING:
        return f"Field {path!r} is missing", None
    if actual is GONE:
        return f"Field {path!r} was erased", None
    test = _TESTS.get(operator)
    if test is None and operator != "matches":
        return f"Unknown operator {operator!r}", actual
    try:
        holds = test(actual, expected) if test else _matches(actual, expected, tries)
        return None if holds else (f"{path} {operator} {_short(expected)} does not hold", actual)
    except _Mismatch as mismatch:
        return str(mismatch), actual


def _is_there(actual: Any) -> bool:
    return actual is not _MISSING and actual is not None and actual is not GONE


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
        found = getattr(step, field)
    return found


def _walk(value: Any, path: str, values: Clear) -> Any:
    if isinstance(value, Mapping) and path in value:
        return clear(value[path], values)
    for part in path.split("."):
        if isinstance(value, Mapping) and part in value:
            value = clear(value[part], values)
        elif isinstance(value, list) and part.isascii() and part.isdigit() and int(part[:9]) < len(value):
            value = value[int(part[:9])]
        else:
            return _MISSING
    return value


def _equal(left: Any, right: Any) -> bool:
    """Equal without coercion: 1 is 1.0, but not True and not "1"; times are equal as times."""
    if is_number(left) and is_number(right):
        return bool(left == right)
    if isinstance(left, str) and isinstance(right, str):
        return left == right or _same_time(left, right)
    return type(left) is type(right) and bool(left == right)


def _same_time(left: str, right: str) -> bool:
    first, second = as_time(left), as_time(right)
    return first is not None and first == second


def as_time(value: str) -> datetime | None:
    """An ISO-8601 date or time, UTC where it names no zone; None for any other text."""
    if not _DATE.match(value):
        return None
    try:
        parsed = datetime.fromisoformat(value)
    except ValueError:
        return None
    return parsed if parsed.tzinfo is not None else parsed.replace(tzinfo=UTC)


def _same_kind(left: Any, right: Any) -> None:
    if left is None or right is None or type(left) is type(right) or (is_number(left) and is_number(right)):
        return
    raise _Mismatch(f"{_kind(left)} can't be compared with {_kind(right)}")


def _kind(value: Any) -> str:
    names = {bool: "a boolean", int: "a number", float: "a number", str: "a text", list: "a list", dict: "an object"}
    return names.get(type(value), "null")


def _equals(left: Any, right: Any) -> bool:
    _same_kind(left, right)
    return _equal(left, right)


def compare(left: Any, right: Any) -> int:
    """-1, 0 or 1; raises where the two are not both numbers or both texts."""
    if is_number(left) and is_number(right):
        return int(left > right) - int(left < right)
    if isinstance(left, str) and isinstance(right, str):
        times = as_time(left), as_time(right)
        if times[0] is not None and times[1] is not None:
            return int(times[0] > times[1]) - int(times[0] < times[1])
        return int(left > right) - int(left < right)
    raise _Mismatch(f"{_kind(left)} can't be ordered against {_kind(right)}")


def _in(actual: Any, value: Any) -> bool:
    if not isinstance(value, list):
        raise _Mismatch("the condition's value is not a list")
    return any(_equal(actual, item) for item in value)


def _contains(actual: Any, value: Any) -> bool:
    if isinstance(actual, list):
        return any(_equal(item, value) for item in actual)
    left, right = _both_texts(actual, value)
    return right in left


def _both_texts(left: Any, right: Any) -> tuple[str, str]:
    if isinstance(left, str) and isinstance(right, str):
        return left, right
    raise _Mismatch(f"{_kind(left)} can't be searched for {_kind(right)}")


def _starts_with(actual: Any, value: Any) -> bool:
    left, right = _both_texts(actual, value)
    return left.startswith(right)


def _ends_with(actual: Any, value: Any) -> bool:
    left, right = _both_texts(actual, value)
    return left.endswith(right)


def _matches(actual: Any, value: Any, tries: Tries) -> bool:
    text, pattern = _both_texts(actual, value)
    try:
        return tries.found(pattern, text)
    except Untried as untried:
        raise _Mismatch(str(untried)) from None


def _between(actual: Any, value: Any) -> bool:
    if not isinstance(value, list) or len(value) != 2:
        raise _Mismatch("the condition's value is not a list of two")
    return compare(actual, value[0]) >= 0 and compare(actual, value[1]) <= 0


_TESTS: dict[str, Callable[[Any, Any], bool]] = {
    "=": _equals,
    "!=": lambda actual, value: not _equals(actual, value),
    ">": lambda actual, value: compare(actual, value) > 0,
    ">=": lambda actual, value: compare(actual, value) >= 0,
    "<": lambda actual, value: compare(actual, value) < 0,
    "<=": lambda actual, value: compare(actual, value) <= 0,
    "in": _in,
    "not_in": lambda actual, value: not _in(actual, value),
    "contains": _contains,
    "not_contains": lambda actual, value: not _contains(actual, value),
    "starts_with": _starts_with,
    "ends_with": _ends_with,
    "between": _between,
}
