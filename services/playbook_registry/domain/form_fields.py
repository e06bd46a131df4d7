"""One form field or required output: what its type lets it ask for."""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from typing import Any

from contracts.definitions import FIELD_KINDS, TODAY
from services.playbook_registry.domain.faults import Fault, invalid
from services.playbook_registry.domain.patterns import why_not
from services.playbook_registry.domain.values import COUNT, FLAG, LIST, TEXT, Rule, broken, is_number, is_whole

_FIELD: dict[str, Rule] = {
    "type": TEXT, "required": FLAG, "encrypted": FLAG, "options": LIST, "min_length": COUNT, "max_length": COUNT,
}  # fmt: skip
_TEXTS = ("text", "email")
_COUNTED = ("text", "email", "multiselect", "list", "file")
"""Kinds of which `min` and `max` bound a length or a number of items."""
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def kind_of(field: Mapping[str, Any]) -> str | None:
    named = field.get("type")
    return FIELD_KINDS.get(named) if isinstance(named, str) else None


def faults(field: Mapping[str, Any], path: str) -> Iterator[Fault]:
    yield from broken(_FIELD, field, path)
    kind = kind_of(field)
    yield from _range(field, kind, path)
    yield from _in_order(field, "min_length", "max_length", path)
    yield from _option_faults(field, kind, path)
    yield from _pattern_faults(field, kind, path)
    yield from _default_faults(field, kind, path)


def _range(field: Mapping[str, Any], kind: str | None, path: str) -> Iterator[Fault]:
    holds, expected = _bound_rule(kind)
    named = [name for name in ("min", "max") if field.get(name) is not None]
    wrong = [name for name in named if not holds(field[name])]
    for name in wrong:
        yield invalid(f"{path}.{name}", field[name], f"{name} of {_said(field)} {expected}")
    if not wrong:
        yield from _in_order(field, "min", "max", path)


def _said(field: Mapping[str, Any]) -> str:
    return f"a field of type {field['type']}" if field.get("type") else "a field without type"


def _bound_rule(kind: str | None) -> Rule:
    if kind in _COUNTED:
        return (lambda value: is_whole(value) and value >= 0), "must be a whole number, 0 or more"
    if kind == "date":
        return (lambda value: value == TODAY or _is_day(value)), "must be a date such as 2024-01-15, or today"
    if kind == "datetime":
        return (lambda value: value == TODAY or _is_moment(value)), "must be a date, a date and time, or today"
    if kind in ("number", "integer", None):
        return is_number, "must be a number"
    return (lambda _: False), "bounds nothing: leave it out"


def _in_order(field: Mapping[str, Any], low: str, high: str, path: str) -> Iterator[Fault]:
    least, most = field.get(low), field.get(high)
    both_numbers = is_number(least) and is_number(most)
    both_days = _is_day(least) and _is_day(most)
    if (both_numbers or both_days) and least > most:  # type: ignore[operator]
        yield invalid(f"{path}.{low}", least, f"{low} must not lie above {high}, which is {most}")


def _option_faults(field: Mapping[str, Any], kind: str | None, path: str) -> Iterator[Fault]:
    options = field.get("options")
    if options is None or options == []:
        if kind in ("select", "multiselect"):
            yield invalid(f"{path}.options", options, f"A field of type {field['type']} needs options")
        return
    for index, option in enumerate(options if isinstance(options, list) else []):
        value = option.get("value") if isinstance(option, dict) else option
        if not (isinstance(value, str | bool) or is_number(value)):
            reason = "An option is a text, a number, true or false, or an object with such a `value`"
            yield invalid(f"{path}.options[{index}]", option, reason)


def _pattern_faults(field: Mapping[str, Any], kind: str | None, path: str) -> Iterator[Fault]:
    pattern = field.get("validation")
    if pattern is None:
        return
    if (reason := why_not(pattern)) is not None:
        yield invalid(f"{path}.validation", pattern, f"validation {reason}")
    elif kind is not None and kind not in (*_TEXTS, "select", "date", "datetime", "file"):
        yield invalid(f"{path}.validation", pattern, f"validation is for texts, not for a field of type {kind}")


def _default_faults(field: Mapping[str, Any], kind: str | None, path: str) -> Iterator[Fault]:
    value = field.get("default")
    if value is None:
        return
    check = _DEFAULTS.get(kind or "")
    if check is not None and not check(value):
        yield invalid(f"{path}.default", value, f"default is no value of a field of type {field['type']}")
    elif field.get("encrypted") is True:
        yield invalid(f"{path}.default", None, "A field that is encrypted has no default: it would stand here in clear")
    elif kind in ("select", "multiselect") and isinstance(field.get("options"), list):
        options = [option.get("value") if isinstance(option, dict) else option for option in field["options"]]
        if any(choice not in options for choice in (value if isinstance(value, list) else [value])):
            yield invalid(f"{path}.default", value, "default is none of the options")


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_day(value: Any) -> bool:
    return isinstance(value, str) and bool(_DAY.fullmatch(value)) and _parses(date.fromisoformat, value)


def _is_moment(value: Any) -> bool:
    return isinstance(value, str) and bool(_DAY.match(value)) and _parses(datetime.fromisoformat, value)


def _parses(parse: Callable[[str], Any], value: str) -> bool:
    try:
        parse(value)
    except ValueError:
        return False
    return True


_DEFAULTS: dict[str, Callable[[Any], bool]] = {
    "text": _is_text, "email": _is_text, "number": is_number, "integer": is_whole,
    "boolean": lambda value: isinstance(value, bool), "date": lambda value: value == TODAY or _is_day(value),
    "datetime": _is_moment, "multiselect": lambda value: isinstance(value, list),
    "list": lambda value: isinstance(value, list), "object": lambda value: isinstance(value, dict),
}  # fmt: skip
