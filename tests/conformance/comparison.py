"""An answer beside the one that the reference shows: which fields are missing, added, of another type or value."""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Any, Literal

Kind = Literal["missing", "additional", "type", "form", "value"]
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
_ID = re.compile(r"([a-z]+)_[0-9a-f-]*[0-9][0-9a-f-]*")


@dataclass(frozen=True, slots=True)
class Difference:
    """`path` has `[]` for any element of a list; `told` says where exactly, and what was there instead."""

    kind: Kind
    path: str
    told: str

    @property
    def name(self) -> str:
        return f"{self.kind} {self.path}"


def differences(expected: Any, actual: Any, free: Collection[str] = ()) -> list[Difference]:
    """`free` names paths (patterns) whose values are examples: compared by type and form only. Times always are."""
    return list(_compare(expected, actual, "", "", free))


def is_time(value: Any) -> bool:
    """RFC 3339, in UTC with `Z`, and a moment that exists."""
    if not isinstance(value, str) or not _TIME.fullmatch(value):
        return False
    datetime.fromisoformat(value)
    return True


def _compare(expected: Any, actual: Any, path: str, place: str, free: Collection[str]) -> Iterator[Difference]:
    if isinstance(expected, dict) and isinstance(actual, dict):
        yield from _objects(expected, actual, path, place, free)
    elif isinstance(expected, list) and isinstance(actual, list):
        yield from _lists(expected, actual, path, place, free)
    elif _type(expected) != _type(actual):
        yield Difference("type", path, f"{place}: {_type(expected)} in the reference, {actual!r} here")
    elif is_time(expected) or any(fnmatchcase(path, pattern) for pattern in free):
        if _form(expected) != _form(actual):
            yield Difference("form", path, f"{place}: of the form of {expected!r} in the reference, {actual!r} here")
    elif expected != actual:
        yield Difference("value", path, f"{place}: {expected!r} in the reference, {actual!r} here")


def _objects(
    expected: dict[str, Any], actual: dict[str, Any], path: str, place: str, free: Collection[str]
) -> Iterator[Difference]:
    for name, value in expected.items():
        inner, where = f"{path}.{name}".lstrip("."), f"{place}.{name}".lstrip(".")
        if name in actual:
            yield from _compare(value, actual[name], inner, where, free)
        else:
            yield Difference("missing", inner, f"{where} is missing")
    for name in actual.keys() - expected.keys():
        inner = f"{path}.{name}".lstrip(".")
        yield Difference("additional", inner, f"{place}.{name}".lstrip(".") + f" is {actual[name]!r}")


def _lists(
    expected: list[Any], actual: list[Any], path: str, place: str, free: Collection[str]
) -> Iterator[Difference]:
    """Where the list is an example, each element is held against the first one that the reference shows."""
    inner = f"{path}[]"
    if any(fnmatchcase(inner, pattern) for pattern in free):
        if expected and not actual:
            yield Difference("missing", inner, f"{place} is empty")
        pairs = [(expected[0], element) for element in actual] if expected else []
    else:
        if len(expected) != len(actual):
            yield Difference("value", path, f"{place}: {len(expected)} elements in the reference, {len(actual)} here")
        pairs = list(zip(expected, actual, strict=False))
    for number, (one, other) in enumerate(pairs):
        yield from _compare(one, other, inner, f"{place}[{number}]", free)


def _type(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return "null" if value is None else "boolean"
    return {int: "number", float: "number", str: "text", list: "list", dict: "object"}[type(value)]


def _form(value: Any) -> str:
    """A time, an id with its prefix, or just the type."""
    if is_time(value):
        return "time"
    found = _ID.fullmatch(value) if isinstance(value, str) else None
    return found[1] if found else _type(value)
