"""What a value of a user's free-form document must be: each rule says what is expected where it is not met."""

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeGuard

from services.playbook_registry.domain.faults import Fault, invalid

Rule = tuple[Callable[[Any], bool], str]


def is_number(value: Any) -> TypeGuard[float]:
    """An int or a finite float; true and false are no numbers."""
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, int) and not isinstance(value, bool)


def is_whole(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) and item for item in value)


def is_named(value: Any) -> bool:
    """A list of texts, or of objects that have a name."""
    names = (
        [item.get("name") if isinstance(item, dict) else item for item in value] if isinstance(value, list) else value
    )
    return is_texts(names)


_LONGEST_HOURS = 100 * 365 * 24
"""A hundred years: dates are not calculated further ahead (run_engine/domain/loose.py)."""
_MOST_MEMBERS = 1000


def _length_of_time(most: int, unit: str) -> Rule:
    return (
        lambda value: is_number(value) and 0 < value <= most,
        f"must be a number of {unit} above 0, {most} (a hundred years) at most",
    )


NUMBER: Rule = (is_number, "must be a number")
HOURS: Rule = _length_of_time(_LONGEST_HOURS, "hours")
MINUTES: Rule = _length_of_time(_LONGEST_HOURS * 60, "minutes")
COUNT: Rule = (lambda value: is_whole(value) and value >= 0, "must be a whole number, 0 or more")
MEMBERS: Rule = (
    lambda value: is_whole(value) and 1 <= value <= _MOST_MEMBERS,
    f"must be a whole number from 1 to {_MOST_MEMBERS}",
)
SHARE: Rule = (lambda value: is_number(value) and 0 < value <= 1, "must be a number above 0, 1 at most")
FLAG: Rule = (lambda value: isinstance(value, bool), "must be true or false")
TEXT: Rule = (lambda value: isinstance(value, str) and bool(value), "must be a text")
TEXTS: Rule = (is_texts, "must be a list of texts")
NAMED: Rule = (is_named, "must be a list of texts, or of objects with a name")
ON_TIMEOUT: Rule = (lambda value: value in ("fail", "skip"), "must be fail or skip; without it work is only overdue")
LIST: Rule = (lambda value: isinstance(value, list), "must be a list")
OBJECT: Rule = (lambda value: isinstance(value, dict), "must be an object")


def broken(rules: Mapping[str, Rule], values: Mapping[str, Any], path: str) -> Iterator[Fault]:
    """Faults of those fields that are there; what no rule names is the user's own."""
    for name, (holds, expected) in rules.items():
        value = values.get(name)
        if value is not None and not holds(value):
            yield invalid(f"{path}.{name}", value, f"{name} {expected}")
