"""What a form field's value must be: of its kind, within its bounds, among its options."""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime, time
from typing import Any

from contracts.definitions import FIELD_KINDS, TODAY, FieldKind
from contracts.values import as_time
from services.run_engine.domain.loose import is_number, text
from services.run_engine.domain.patterns import Tries, Untried
from services.run_engine.domain.sizes import written

Field = Mapping[str, Any]
"""`name`, and of `type`, `required`, `validation`, `min`, `max`, `min_length`, `max_length`, `options`, `encrypted`."""
Fault = tuple[str, str]
"""The condition that is broken, and the reason in a sentence."""

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def faults(field: Field, value: Any, now: datetime, tries: Tries) -> Iterator[Fault]:
    """Of a value that is there; `now` lies in the zone whose day is `today`. Wrong kind, and nothing else is told."""
    kind = kind_of(field)
    if kind is not None and not _KINDS[kind][0](value):
        yield f"type {field['type']}", f"It must be {_KINDS[kind][1]}"
        return
    yield from _bounds(field, kind, value, now)
    yield from _lengths(field, value)
    yield from _choices(field, value)
    yield from _pattern(field, value, tries)


def kind_of(field: Field) -> FieldKind | None:
    """None for a type that nothing knows, or none."""
    named = field.get("type")
    return FIELD_KINDS.get(named) if isinstance(named, str) else None


def day(value: Any) -> date | None:
    """The day that `2024-01-15` names; None for anything else."""
    if not isinstance(value, str) or not _DAY.fullmatch(value):
        return None
    try:
        return date.fromisoformat(value)
    except ValueError:
        return None


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_email(value: Any) -> bool:
    if not isinstance(value, str):
        return False
    name, _, host = value.partition("@")
    labels = host.split(".")
    return len(labels) > 1 and all((name, *labels)) and "@" not in host and not any(c.isspace() for c in value)


def _is_whole(value: Any) -> bool:
    return is_number(value) and value == int(value)


def _is_moment(value: Any) -> bool:
    return isinstance(value, str) and len(value) > len("2024-01-15") and as_time(value) is not None


def _is_list(value: Any) -> bool:
    return isinstance(value, list)


def _is_choice(value: Any) -> bool:
    return isinstance(value, str | bool) or is_number(value)


def _is_file(value: Any) -> bool:
    """A name or address, or an object that has one; or a list of such."""
    if isinstance(value, list):
        return all(not isinstance(item, list) and _is_file(item) for item in value)
    if isinstance(value, dict):
        return any(text(value.get(key)) for key in ("name", "url", "id"))
    return isinstance(value, str)


_KINDS: dict[FieldKind, tuple[Callable[[Any], bool], str]] = {
    "text": (_is_text, "a text"),
    "email": (_is_email, "an e-mail address"),
    "number": (is_number, "a number"),
    "integer": (_is_whole, "a whole number"),
    "boolean": (lambda value: isinstance(value, bool), "true or false"),
    "checkbox": (lambda value: isinstance(value, bool | list), "true, false or a list"),
    "date": (lambda value: day(value) is not None, "a date such as 2024-01-15"),
    "datetime": (_is_moment, "a date and time such as 2024-01-15T09:30:00Z"),
    "select": (_is_choice, "one of its options"),
    "multiselect": (_is_list, "a list of its options"),
    "list": (_is_list, "a list"),
    "object": (lambda value: isinstance(value, dict), "an object"),
    "file": (_is_file, "a document: its name or address, or an object with `name`, `url` or `id`"),
}


def _bounds(field: Field, kind: FieldKind | None, value: Any, now: datetime) -> Iterator[Fault]:
    """`min` and `max`: of a number its value, of a date or time that, of a text its length, of a list its items."""
    for bound, low in (("min", True), ("max", False)):
        limit = field.get(bound)
        measure, edge = _measured(kind, value, limit, low, now)
        if measure is None or edge is None:
            continue
        if measure < edge if low else measure > edge:
            yield f"{bound} {limit}", f"{_subject(kind, value)} must be at {'least' if low else 'most'} {limit}"


def _subject(kind: FieldKind | None, value: Any) -> str:
    if kind == "file" or isinstance(value, list):
        return "The number of its items"
    return "Its length" if isinstance(value, str) and kind not in ("date", "datetime") else "It"


def _measured(kind: FieldKind | None, value: Any, limit: Any, low: bool, now: datetime) -> tuple[Any, Any]:
    """What the bound is held against, and the bound in the same terms; None where the two don't go together."""
    if kind == "date":
        return day(value), now.date() if limit == TODAY else day(limit)
    if kind == "datetime":
        return as_time(value), _edge(limit, low, now)
    if not is_number(limit):
        return None, None
    if kind == "file" and not isinstance(value, list):
        return 1, limit
    if isinstance(value, str | list) and kind is not None:
        return len(value), limit
    return (value if is_number(value) else None), limit


def _edge(limit: Any, low: bool, now: datetime) -> datetime | None:
    """A moment, or the beginning of a day for `min` and its end for `max`."""
    named = now.date() if limit == TODAY else day(limit)
    if named is not None:
        return datetime.combine(named, time.min if low else time.max, now.tzinfo)
    return as_time(limit) if isinstance(limit, str) else None


def _lengths(field: Field, value: Any) -> Iterator[Fault]:
    if not isinstance(value, str | list):
        return
    least, most = field.get("min_length"), field.get("max_length")
    if is_number(least) and len(value) < least:
        yield f"min_length {least}", f"Its length must be at least {least}"
    if is_number(most) and len(value) > most:
        yield f"max_length {most}", f"Its length must be at most {most}"


def _choices(field: Field, value: Any) -> Iterator[Fault]:
    if not isinstance(field.get("options"), list):
        return
    options = [option.get("value") if isinstance(option, dict) else option for option in field["options"]]
    chosen = [_choice(item) for item in (value if isinstance(value, list) else [value])]
    allowed = {_choice(option) for option in options}
    shown = written(options[:_SHOWN]) + (f" and {len(options) - _SHOWN} more" if len(options) > _SHOWN else "")
    if not allowed.issuperset(chosen):
        yield f"one of {shown}", f"It must be one of {shown}"
    elif kind_of(field) == "multiselect" and len(set(chosen)) < len(chosen):
        yield f"one of {shown}", "Each option can be chosen once"


_SHOWN = 20


def _choice(value: Any) -> tuple[str, Any]:
    """What is the same choice: 1 is 1.0, but not true. What no option can be is none."""
    if is_number(value):
        return "number", value
    return (type(value).__name__, value) if isinstance(value, str | bool) else ("none", None)


def _pattern(field: Field, value: Any, tries: Tries) -> Iterator[Fault]:
    pattern = text(field.get("validation"))
    if pattern is None or not isinstance(value, str):
        return
    try:
        if not tries.found(pattern, value):
            yield f"matches {pattern}", f"It must match {pattern}"
    except Untried as untried:
        yield f"matches {pattern}", f"It can't be checked: {untried}"
