"""How large a value is, in bytes of JSON."""

import json
from collections.abc import Iterable
from itertools import islice
from typing import Any

import orjson

from contracts.values import Attachment


def json_bytes(value: Any) -> int:
    if value == {} or value == []:
        return 0
    try:
        return len(orjson.dumps(value))
    except (TypeError, ValueError):  # half a surrogate pair, or a number of more than 64 bits
        return len(json.dumps(value))


_TOLD = 500
"""Of a value or a reason so many characters are kept: each unmet condition stands in the run, and in an event."""


def shortened(actual: Any) -> Any:
    """The value, or the beginning of a large one as text: it is told, and kept, once for each thing that is wrong."""
    told = beginning(actual)
    return actual if told is actual and json_bytes(actual) <= _TOLD else cut(str(told))


def written(value: Any) -> str:
    """As JSON, of a large value the beginning: who reads it has sent JSON, and knows no None and no True."""
    return cut(json.dumps(beginning(value), ensure_ascii=False, default=str))


def cut(reason: str) -> str:
    return reason if len(reason) <= _TOLD else f"{reason[:_TOLD]}…"


def beginning(value: Any, length: int = _TOLD) -> Any:
    """What of the value shows in so many characters, without a look at the rest; the very value where that is all."""
    if isinstance(value, str):
        return value if len(value) <= length else value[: length + 1]
    if not isinstance(value, list | dict):
        return value
    first = list(islice(value.items() if isinstance(value, dict) else enumerate(value), length // 3 + 1))
    made = {name: beginning(item, length) for name, item in first}
    if len(made) == len(value) and all(made[name] is item for name, item in first):
        return value
    return made if isinstance(value, dict) else list(made.values())


def kept_bytes(data: dict[str, Any], attachments: Iterable[Attachment]) -> int:
    """What a step keeps of a completion or a vote."""
    return json_bytes(data) + sum(json_bytes(attachment.model_dump(mode="json")) for attachment in attachments)
