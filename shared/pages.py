"""Lists by pages: an opaque cursor that is stable while data changes, newest first."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from contracts.rejections import Code
from contracts.values import rfc3339
from shared.errors import Refused

MAX_LIMIT = 100
DEFAULT_LIMIT = 20
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    items: list[T]
    next: str | None
    """The cursor of the page that follows; None on the last."""
    total: int

    @classmethod
    def of(cls, found: Sequence[T], limit: int, total: int, key: Callable[[T], tuple[datetime, str]]) -> "Page[T]":
        """A page of `found`, which holds one item more than `limit` where there is a page after this one."""
        items = list(found[:limit])
        return cls(items, _cursor(*key(items[-1])) if len(found) > limit else None, total)


def after(time_field: str, cursor: str | None) -> dict[str, Any]:
    """The filter for what comes after the cursor in an order by (time, _id), both descending."""
    if cursor is None:
        return {}
    moment, item_id = _position(cursor)
    return {
        "$and": [{time_field: {"$lte": moment}}, {"$or": [{time_field: {"$lt": moment}}, {"_id": {"$lt": item_id}}]}]
    }


def _cursor(moment: datetime, item_id: str) -> str:
    return urlsafe_b64encode(f"{rfc3339(moment)} {item_id}".encode()).decode().rstrip("=")


def _position(cursor: str) -> tuple[datetime, str]:
    try:
        text = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        moment, item_id = text.split(" ", 1)
        return datetime.fromisoformat(moment), item_id
    except ValueError:
        raise Refused(
            Code.VALIDATION_ERROR,
            "The cursor is not valid",
            field="cursor",
            value=cursor[:200],
            reason="A cursor is the `next` of the page before",
        ) from None
