"""How two values compare: nothing is converted, and texts that are both ISO-8601 times compare as times."""

from collections.abc import Callable
from typing import Any

from contracts.values import as_time
from services.run_engine.domain.loose import is_number


class Mismatch(Exception):
    """The two sides can't be compared; the text says why."""


def same(left: Any, right: Any) -> bool:
    """Equal at any depth: 1 is 1.0, but neither true nor "1"."""
    if is_number(left) and is_number(right):
        return bool(left == right)
    if type(left) is not type(right):
        return False
    if isinstance(left, str):
        return left == right or _same_time(left, right)
    if isinstance(left, list):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(same(value, right[name]) for name, value in left.items())
    return bool(left == right)


def _same_time(left: str, right: str) -> bool:
    first, second = as_time(left), as_time(right)
    return first is not None and first == second


def compare(left: Any, right: Any) -> int:
    """-1, 0 or 1. Raises Mismatch where the two are not both numbers or both texts."""
    if is_number(left) and is_number(right):
        return int(left > right) - int(left < right)
    if isinstance(left, str) and isinstance(right, str):
        first, second = as_time(left), as_time(right)
        if first is not None and second is not None:
            return int(first > second) - int(first < second)
        return int(left > right) - int(left < right)
    raise Mismatch(f"{_kind(left)} can't be ordered against {_kind(right)}")


def both_texts(left: Any, right: Any) -> tuple[str, str]:
    """Raises Mismatch where one of the two is none."""
    if isinstance(left, str) and isinstance(right, str):
        return left, right
    raise Mismatch(f"{_kind(left)} can't be searched for {_kind(right)}")


def _kind(value: Any) -> str:
    if is_number(value):
        return "a number"
    names = {bool: "a boolean", str: "a text", list: "a list", dict: "an object", type(None): "null"}
    return names.get(type(value), "something else")


def _may_equal(actual: Any, value: Any) -> bool:
    """Of one kind; and whether it is null may be asked of everything."""
    kind = _kind(actual)
    return kind != "something else" and (value is None or kind == _kind(value))


def _equals(actual: Any, value: Any) -> bool:
    if not _may_equal(actual, value):
        raise Mismatch(f"{_kind(actual)} can't be compared with {_kind(value)}")
    return same(actual, value)


def _in(actual: Any, value: Any) -> bool:
    if not isinstance(value, list):
        raise Mismatch("the condition's value is not a list")
    if not (types := _types_of(actual)) or (types | {type(None)}).isdisjoint(map(type, value)):
        raise Mismatch(f"{_kind(actual)} can't be compared with any item of the list")
    return _has(value, actual)


def _contains(actual: Any, value: Any) -> bool:
    if not isinstance(actual, list):
        text, part = both_texts(actual, value)
        return part in text
    if actual and value is not None and _types_of(value).isdisjoint(map(type, actual)):
        raise Mismatch(f"the list's items can't be compared with {_kind(value)}")
    return _has(actual, value)


_SLOW, _CHARACTERS_OF_AN_ITEM = 10, 16


def items_looked_through(operator: str, actual: Any, value: Any) -> int:
    """What it costs to look through the field's value; in items of a list that are merely compared."""
    if operator not in ("contains", "not_contains"):
        return 0
    if isinstance(actual, str):
        return len(actual) // _CHARACTERS_OF_AN_ITEM
    return len(actual) * (1 if _is_plain(value) else _SLOW) if isinstance(actual, list) else 0


def _is_plain(value: Any) -> bool:
    return not isinstance(value, list | dict) and not (isinstance(value, str) and as_time(value) is not None)


def _has(items: list[Any], wanted: Any) -> bool:
    """Whether one of the items is the same; what is plain is left to the list, which is quicker."""
    if not _is_plain(wanted):
        return any(same(item, wanted) for item in items)
    if isinstance(wanted, bool):
        return any(item is wanted for item in items)
    if is_number(wanted):
        return wanted in [item for item in items if type(item) is int or type(item) is float]
    return wanted in items


def _types_of(value: Any) -> frozenset[type]:
    """Types of what the value may be equal to."""
    if is_number(value):
        return frozenset((int, float))
    return frozenset((type(value),)) if _kind(value) != "something else" else frozenset()


def _starts_with(actual: Any, value: Any) -> bool:
    text, start = both_texts(actual, value)
    return text.startswith(start)


def _ends_with(actual: Any, value: Any) -> bool:
    text, end = both_texts(actual, value)
    return text.endswith(end)


def _between(actual: Any, value: Any) -> bool:
    if not isinstance(value, list) or len(value) != 2:
        raise Mismatch("the condition's value is not a list of two")
    low, high = compare(actual, value[0]), compare(actual, value[1])
    return low >= 0 and high <= 0


TESTS: dict[str, Callable[[Any, Any], bool]] = {
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
"""By operator: whether it holds of the field's value and the condition's. Each may raise Mismatch, and nothing else."""
