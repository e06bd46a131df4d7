"""What a query string holds, no more leniently than the documentation says."""

import re
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from contracts.values import Moment

_TIME = re.compile(r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}")


def _time(value: Any) -> Any:
    if isinstance(value, str) and not _TIME.match(value):
        raise ValueError("a time such as 2024-01-15T11:00:00Z")
    if isinstance(value, str) and " " in value:
        raise ValueError("a + in a query string is a space; write %2B, as in 2024-01-15T11:00:00%2B01:00")
    return value


def _flag(value: Any) -> Any:
    if value not in (True, False, "true", "false"):
        raise ValueError("true or false")
    return value in (True, "true")


When = Annotated[Moment, BeforeValidator(_time)]
Flag = Annotated[bool, BeforeValidator(_flag)]
Word = Annotated[str, Field(min_length=1, max_length=200)]
