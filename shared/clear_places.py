"""Places that stay in clear, such as a run's context: no home for what a playbook has encrypted."""

from collections.abc import Collection, Mapping
from typing import Any

from contracts.encrypted import named_in
from shared.http import invalid


def nothing_secret(fields: Collection[str], places: Mapping[str, Any]) -> None:
    """`fields` are encrypted; `places` are what was sent, by path.

    Raises Refused (VALIDATION_ERROR), without the value, where one of them stands there.
    """
    if not fields:
        return
    reason = "The playbook has this field encrypted, which is done in data alone; send it there, or leave it out"
    found = [
        {"field": f"{path}.{name}", "value": None, "reason": reason}
        for path, held in places.items()
        for name, value in named_in(held, fields)
        if value is not None
    ]
    if found:
        raise invalid(*found)
