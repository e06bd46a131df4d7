"""Names of a JSON document that stand twice in one object: readers differ on what they mean."""

import json
import re
from collections.abc import Iterator
from typing import Any

from shared.http import invalid

_END_OF_NAME = re.compile(rb'"\s*:')


def says_all_once(raw: bytes, body: dict[str, Any]) -> None:
    """`body` is what `raw` holds. Raises Refused (VALIDATION_ERROR, with the path) for names that stand twice."""
    if len(_END_OF_NAME.findall(raw)) == _names(body):
        return  # as many names as there are values, so that a second reading can be spared
    whole = json.loads(raw, object_pairs_hook=_Pairs, parse_int=len, parse_float=len)
    reason = "Stands more than once in its object"
    twice = [{"field": path, "reason": reason} for path in dict.fromkeys(_twice(whole, ""))]
    if twice:
        raise invalid(*twice)


class _Pairs(tuple[tuple[str, Any], ...]):
    """An object as it was sent."""


def _names(body: dict[str, Any]) -> int:
    count = 0
    holders: list[Any] = [body]
    for holder in holders:
        if isinstance(holder, dict):
            count += len(holder)
        items = holder.values() if isinstance(holder, dict) else holder
        holders += [item for item in items if isinstance(item, (dict, list))]  # twice as fast as dict | list
    return count


def _twice(value: Any, path: str) -> Iterator[str]:
    if isinstance(value, _Pairs):
        seen: set[str] = set()
        for name, item in value:
            here = f"{path}.{name}" if path else name
            if name in seen:
                yield here
            seen.add(name)
            yield from _twice(item, here)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _twice(item, f"{path}[{index}]")
