"""Rejection criteria: with too many defects, or a critical one, work is not done."""

from collections.abc import Mapping
from typing import Any

from services.run_engine.domain.loose import is_number, mapping
from services.run_engine.domain.violations import Violation, violation


def rejected(metadata: Mapping[str, Any], data: Mapping[str, Any]) -> list[Violation]:
    """`max_<x>` and `min_<x>` bound each count in the data, `<x>_auto_fail` forbids that there is any."""
    found = []
    for name, limit in mapping(metadata.get("rejection_criteria")).items():
        if name.endswith("_auto_fail") and limit is True:
            found += _forbidden(name, name.removesuffix("_auto_fail"), data)
        elif name.startswith(("max_", "min_")) and is_number(limit):
            found += _bounded(name, limit, data)
    return found


def _told(subject: str, data: Mapping[str, Any]) -> list[tuple[str, Any, float | None]]:
    """The fields that tell of the subject, with their values and how many that are; None: nobody can say."""
    one = subject.removesuffix("s")
    names = (subject, one, f"{one}s", f"total_{one}s", f"{one}_count", f"{one}s_count", f"{one}s_found", f"has_{one}")
    return [(name, data[name], _count(data[name])) for name in dict.fromkeys(names) if data.get(name) is not None]


def _count(value: Any) -> float | None:
    if isinstance(value, list):
        return len(value)
    return value if is_number(value) or isinstance(value, bool) else None


def _forbidden(rule: str, subject: str, data: Mapping[str, Any]) -> list[Violation]:
    return [
        _violated(rule, f"{field} = 0", field, value, "It must be none" if count is not None else _UNCOUNTED)
        for field, value, count in _told(subject, data)
        if count is None or count > 0
    ]


def _bounded(rule: str, limit: float, data: Mapping[str, Any]) -> list[Violation]:
    least = rule.startswith("min_")
    sign, reason = (">=", f"It must be at least {limit}") if least else ("<=", f"It must be at most {limit}")
    return [
        _violated(rule, f"{field} {sign} {limit}", field, value, reason if count is not None else _UNCOUNTED)
        for field, value, count in _told(rule[4:], data)
        if count is None or (count < limit if least else count > limit)
    ]


_UNCOUNTED = "It can't be counted: a number, a list, true or false"


def _violated(rule: str, condition: str, field: str, value: Any, reason: str) -> Violation:
    return violation("rejection_criteria", condition, value, field=field, criterion=rule, reason=reason)
