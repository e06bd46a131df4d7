"""Conditions: the three forms that one may have, and the values that each operator takes."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from contracts.definitions import FIELD_OPERATORS, GROUP_OPERATORS, Condition, StepDraft
from contracts.values import as_time
from services.playbook_registry.domain.faults import Fault, invalid
from services.playbook_registry.domain.patterns import why_not
from services.playbook_registry.domain.values import is_number

_FORMS = {
    "field": ("field, operator and value", {"field", "operator", "value"}),
    "step": ("step and status", {"step", "status"}),
    "conditions": ("operator and conditions", {"operator", "conditions"}),
}
"""By what a condition names: what it consists of."""
STEP_STATUSES = ("pending", "in_progress", "blocked", "completed", "failed", "skipped", "cancelled")
PAUSED = "paused"
"""No condition ever sees it: a paused step is looked at as it was before the pause."""


_STATUS = re.compile(r"steps\.[^.]+\.status")


@dataclass(frozen=True, slots=True)
class KnownSteps:
    """What a condition may name."""

    sequences: frozenset[int]
    step_ids: frozenset[str]

    @classmethod
    def of(cls, steps: Sequence[StepDraft]) -> "KnownSteps":
        ids = frozenset(f"step_{number:03d}" for number in range(1, len(steps) + 1))
        return cls(frozenset(step.sequence for step in steps), ids)


def faults(conditions: Sequence[Condition], path: str, known: KnownSteps) -> Iterator[Fault]:
    for index, condition in enumerate(conditions):
        yield from _faults(condition, f"{path}[{index}]", known)


def references(conditions: Sequence[Condition]) -> Iterator[int]:
    """Sequence numbers of the steps that the conditions name, at any depth."""
    for condition in conditions:
        if condition.step is not None:
            yield condition.step
        yield from references(condition.conditions or ())


def names_data(condition: Condition) -> bool:
    """Whether it looks at data, itself or in a group."""
    return condition.field is not None or any(names_data(inner) for inner in condition.conditions or ())


def asking_for_a_pause(conditions: Sequence[Condition], path: str) -> Iterator[str]:
    """Paths of the values that name `paused` where a step's status is meant, unless its data has a `status` too."""
    for index, condition in enumerate(conditions):
        here, value = f"{path}[{index}]", condition.value
        is_status = _STATUS.fullmatch(condition.field or "") is not None
        if is_status and PAUSED in (value if isinstance(value, list) else [value]):
            yield f"{here}.value"
        yield from asking_for_a_pause(condition.conditions or (), f"{here}.conditions")


def _faults(condition: Condition, path: str, known: KnownSteps) -> Iterator[Fault]:
    forms = [name for name in _FORMS if getattr(condition, name) is not None]
    if len(forms) != 1:
        reason = "A condition names either a field, or a step, or a group of conditions"
        yield invalid(path, condition.model_dump(exclude_none=True), reason)
        return
    yield from _stray_faults(condition, forms[0], path)
    if condition.field is not None:
        yield from _field_faults(condition, condition.field, path, known)
    elif condition.step is not None:
        yield from _step_faults(condition, condition.step, path, known)
    else:
        yield from _group_faults(condition, condition.conditions or [], path, known)


def _stray_faults(condition: Condition, form: str, path: str) -> Iterator[Fault]:
    """What belongs to another form would be passed over, and the condition mean something else than it says."""
    said, parts = _FORMS[form]
    for name in Condition.model_fields:
        if name not in parts and getattr(condition, name) is not None:
            reason = f"A condition on a {form} consists of {said}" if form != "conditions" else f"A group is {said}"
            yield invalid(f"{path}.{name}", getattr(condition, name), reason)


def _step_faults(condition: Condition, step: int, path: str, known: KnownSteps) -> Iterator[Fault]:
    if step not in known.sequences:
        yield invalid(f"{path}.step", step, f"There is no step with sequence {step}")
    if condition.status is not None and condition.status not in STEP_STATUSES:
        reason = f"Status must be one of {', '.join(STEP_STATUSES)}"
        if condition.status == PAUSED:
            reason += ": a paused step is looked at as it was before the pause"
        yield invalid(f"{path}.status", condition.status, reason)


def _group_faults(condition: Condition, inner: list[Condition], path: str, known: KnownSteps) -> Iterator[Fault]:
    if condition.operator not in GROUP_OPERATORS:
        reason = f"The operator of a group must be one of {', '.join(GROUP_OPERATORS)}"
        yield invalid(f"{path}.operator", condition.operator, reason)
    if not inner:
        yield invalid(f"{path}.conditions", inner, "A group needs at least one condition")
    yield from faults(inner, f"{path}.conditions", known)


def _field_faults(condition: Condition, field: str, path: str, known: KnownSteps) -> Iterator[Fault]:
    yield from _path_faults(field, path, known)
    if condition.operator not in FIELD_OPERATORS:
        reason = f"Unknown operator; known are {', '.join(FIELD_OPERATORS)}"
        yield invalid(f"{path}.operator", condition.operator, reason)
        return
    reason_of = _VALUES[condition.operator]
    if "value" not in condition.model_fields_set and reason_of is not _none:
        yield invalid(f"{path}.value", None, f"Operator {condition.operator} needs a value")
    elif (malformed := reason_of(condition.value)) is not None:
        yield invalid(f"{path}.value", condition.value, f"The value of {condition.operator} {malformed}")


def _path_faults(field: str, path: str, known: KnownSteps) -> Iterator[Fault]:
    parts = field.split(".")
    if not all(parts):
        yield invalid(f"{path}.field", field, "A field is a dotted path without empty parts")
    elif parts[0] == "steps" and len(parts) > 1 and parts[1] not in known.step_ids:
        yield invalid(f"{path}.field", field, f"There is no step {parts[1]}")
    elif parts[0] == "steps" and len(parts) == 2:
        yield invalid(f"{path}.field", field, f"A field of a step is named {field}.<field>, such as {field}.outcome")


def _anything(_: Any) -> str | None:
    return None


def _comparable(value: Any) -> str | None:
    return None if is_number(value) or isinstance(value, str) else "must be a number or a text"


def _text(value: Any) -> str | None:
    return None if isinstance(value, str) else "must be a text"


def _list(value: Any) -> str | None:
    return None if isinstance(value, list) and value else "must be a list that is not empty"


def _none(value: Any) -> str | None:
    """True asks for what the operator says anyway; false would ask for the opposite, and get the same."""
    return None if value is None or value is True else "must be left out; the opposite has an operator of its own"


def _two(value: Any) -> str | None:
    if not isinstance(value, list) or len(value) != 2:
        return "must be a list of two: the lowest and the highest"
    low, high = map(_ordered, value)
    if low is None or high is None or type(low) is not type(high):
        return "must be two numbers, two times or two other texts"
    return None if low <= high else "must name the lowest first"


def _ordered(value: Any) -> Any:
    """What it is ordered as: a number, a time or a text; None for anything else."""
    if is_number(value):
        return Fraction(value)
    return (as_time(value) or value) if isinstance(value, str) else None


_VALUES: dict[str, Callable[[Any], str | None]] = {
    "=": _anything, "!=": _anything, "contains": _anything, "not_contains": _anything,
    ">": _comparable, ">=": _comparable, "<": _comparable, "<=": _comparable,
    "starts_with": _text, "ends_with": _text, "matches": why_not,
    "in": _list, "not_in": _list, "between": _two, "exists": _none, "not_exists": _none,
}  # fmt: skip
"""By operator, why a value is malformed."""
