"""Rejection criteria: with too many defects, or a critical one, work is not done."""

from collections.abc import Mapping
from typing import Any

from services.run_engine.domain.loose import is_number, mapping
from services.run_engine.domain.violations import Violation, violation


def rejected(metadata: Mapping[str, Any], data: Mapping[str, Any]) -> list[Violation]:
    """`max_<x>` and `min_<x>` bound a count in the data, `<x>_auto_fail` forbids that there is any."""
    found = []
    for name, limit in mapping(metadata.get("rejection_criteria")).items():
        if name.endswith("_auto_fail") and limit is True:
            found += _forbidden(name, name.removesuffix("_auto_fail"), data)
        elif name.startswith(("max_", "min_")) and is_number(limit):
            found += _bounded(name, limit, data)
    return found


def _count(subject: str, data: Mapping[str, Any]) -> tuple[str, Any, float] | None:
    """The field that tells of the subject, with its value and how many that are."""
    one = subject.removesuffix("s")
    names = (subject, one, f"{one}s", f"total_{one}s", f"{one}_count", f"{one}s_count", f"{one}s_found", f"has_{one}")
    for name in names:
        value = data.get(name)
        if isinstance(value, list):
            return name, value, len(value)
        if is_number(value) or isinstance(value, bool):
            return name, value, value
    return None


def _forbidden(rule: str, subject: str, data: Mapping[str, Any]) -> list[Violation]:
    counted = _count(subject, data)
    if counted is None or counted[2] <= 0:
        return []
    field, value, _ = counted
    return [
        violation("rejection_criteria", f"{field} = 0", value, field=field, criterion=rule, reason="It must be none")
    ]


def _bounded(rule: str, limit: float, data: Mapping[str, Any]) -> list[Violation]:
    counted = _count(rule[4:], data)
    if counted is None:
        return []
    field, value, count = counted
    least = rule.startswith("min_")
    if count >= limit if least else count <= limit:
        return []
    condition = f"{field} {'>=' if least else '<='} {limit}"
    word = "least" if least else "most"
    reason = f"It must be at {word} {limit}"
    return [violation("rejection_criteria", condition, value, field=field, criterion=rule, reason=reason)]
