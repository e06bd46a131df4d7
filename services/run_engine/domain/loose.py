"""Values out of users' free-form documents: the value where it has the type that is asked for, else nothing."""

import math
from datetime import timedelta
from typing import Any, TypeGuard

_LONGEST = timedelta(days=100 * 365)


def mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def items(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def texts(value: Any) -> list[str]:
    return [item for item in items(value) if isinstance(item, str)]


def text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def is_number(value: Any) -> TypeGuard[int | float]:
    """An int or a finite float; true and false are no numbers."""
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, int) and not isinstance(value, bool)


def positive(value: Any) -> float | None:
    """A number above 0, and not one so large that nothing can be reckoned with it."""
    return value if is_number(value) and 0 < value < 1e15 else None


def span(amount: float, unit: timedelta) -> timedelta:
    """`amount` × `unit`, a hundred years at most, so that a date can always be reckoned from it."""
    return _LONGEST if amount >= _LONGEST / unit else unit * amount


def whole(value: float) -> float:
    """20 for 20.0, and 33.3 for 33.3333: at most one digit after the point."""
    rounded = round(value, 1)
    return int(rounded) if rounded == int(rounded) else rounded
