"""What may be asked: a period, or filters, groups and metrics over runs."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from contracts.rejections import Code, Rejection

STATUSES = ("active", "paused", "blocked", "completed", "failed", "cancelled")
GROUPS = ("outcome", "week", "day", "month", "status", "playbook", "entity_type", "priority")
METRICS = ("count", "duration", "sla_compliance")
FILTERS = ("date_range", "playbook_ids", "statuses", "entity_types")
MAX_VALUES = 1000
"""Of one filter."""
_PERIOD = re.compile(r"([1-9][0-9]{0,3})([hdw])")
_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
Fault = dict[str, Any]
"""`field`, `value` and `reason`."""


@dataclass(frozen=True, slots=True)
class Question:
    """A body of `POST /analytics/playbook-runs` that may be asked. Empty filters let everything through."""

    start: datetime | None
    end: datetime | None
    playbook_ids: tuple[str, ...]
    statuses: tuple[str, ...]
    entity_types: tuple[str, ...]
    group_by: tuple[str, ...]
    metrics: tuple[str, ...]
    filters: Mapping[str, Any]
    """As they were sent."""


def period(text: str) -> timedelta | Rejection:
    """`24h`, `30d` or `4w`."""
    match = _PERIOD.fullmatch(text)
    if match is None:
        reason = "A period is a whole number of hours, days or weeks: Nh, Nd or Nw, such as 24h, 30d or 4w"
        return _rejection([{"field": "period", "value": text[:100], "reason": reason}])
    return int(match[1]) * _UNITS[match[2]]


def question(body: Any) -> Question | Rejection:
    """Everything that is wrong is told at once."""
    if not isinstance(body, dict):
        return _rejection([{"field": "body", "value": None, "reason": "The body must be a JSON object"}])
    faults: list[Fault] = []
    filters = {} if body.get("filters") is None else body["filters"]
    if not isinstance(filters, dict):
        faults.append(_fault("filters", filters, "Filters must be an object"))
        filters = {}
    known = f"Unknown filter; known are {', '.join(FILTERS)}"
    faults += [_fault(f"filters.{name}", value, known) for name, value in filters.items() if name not in FILTERS]
    start, end = _range(filters.get("date_range"), faults)
    asked = Question(
        start=start,
        end=end,
        playbook_ids=_texts(filters, "playbook_ids", None, faults),
        statuses=_texts(filters, "statuses", STATUSES, faults),
        entity_types=_texts(filters, "entity_types", None, faults),
        group_by=_texts(body, "group_by", GROUPS, faults),
        metrics=_texts(body, "metrics", METRICS, faults) or METRICS,
        filters=filters,
    )
    return _rejection(faults) if faults else asked


def _fault(field: str, value: Any, reason: str) -> Fault:
    shown = value if len(repr(value)) <= 200 else f"{repr(value)[:200]}…"
    return {"field": field, "value": shown, "reason": reason}


def _rejection(faults: list[Fault]) -> Rejection:
    details = faults[0] if len(faults) == 1 else {**faults[0], "errors": faults}
    return Rejection(code=Code.VALIDATION_ERROR, message="Request validation failed", details=details)


def _texts(source: Mapping[str, Any], name: str, allowed: Sequence[str] | None, faults: list[Fault]) -> tuple[str, ...]:
    """A list of texts, each once; of the allowed ones where only some are."""
    field = name if name in ("group_by", "metrics") else f"filters.{name}"
    values = source.get(name)
    if values is None:
        return ()
    if not isinstance(values, list) or len(values) > MAX_VALUES or not all(isinstance(v, str) for v in values):
        faults.append(_fault(field, values, f"{name} must be a list of texts, {MAX_VALUES} at most"))
        return ()
    unknown = [value for value in values if allowed is not None and value not in allowed]
    faults += [_fault(field, value, f"{name} must be of {', '.join(allowed or ())}") for value in unknown]
    return tuple(dict.fromkeys(values))


def _range(value: Any, faults: list[Fault]) -> tuple[datetime | None, datetime | None]:
    if value is None:
        return None, None
    if not isinstance(value, dict):
        faults.append(_fault("filters.date_range", value, "date_range must be an object with start and end"))
        return None, None
    unknown = "A date_range has start and end, nothing else"
    faults += [_fault(f"filters.date_range.{n}", v, unknown) for n, v in value.items() if n not in ("start", "end")]
    start, end = (_moment(value.get(name), f"filters.date_range.{name}", faults) for name in ("start", "end"))
    if start is not None and end is not None and end < start:
        faults.append(_fault("filters.date_range", value, "date_range must start before it ends"))
    return start, end


def _moment(value: Any, field: str, faults: list[Fault]) -> datetime | None:
    if value is None:
        return None
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
        if moment is not None and moment.tzinfo is not None:
            return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    faults.append(_fault(field, value, "It must be a time with a zone, such as 2024-01-31T23:59:59Z"))
    return None
