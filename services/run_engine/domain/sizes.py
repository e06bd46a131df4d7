"""How large a value is, in bytes of JSON."""

import json
from collections.abc import Iterable
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


def kept_bytes(data: dict[str, Any], attachments: Iterable[Attachment]) -> int:
    """What a step keeps of a completion or a vote."""
    return json_bytes(data) + sum(json_bytes(attachment.model_dump(mode="json")) for attachment in attachments)
