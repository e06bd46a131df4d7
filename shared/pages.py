"""Lists by pages: an opaque cursor that is stable while data changes and belongs to one list only."""

import hashlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

import orjson

from contracts.rejections import Code
from contracts.values import in_utc, rfc3339
from shared.errors import Refused
from shared.mongo import Collection, Document

MAX_LIMIT = 100
DEFAULT_LIMIT = 20
COUNTED = 1_000
"""Of longer lists it is only said that they are longer."""
_LEAST_INTEGER, _GREATEST_INTEGER = -(2**63), 2**63 - 1
"""Of those that MongoDB can hold."""
_MISFIT = "A cursor is the `next` of the page before, asked for with the same filters and order"
T = TypeVar("T")
S = TypeVar("S")


@dataclass(frozen=True, slots=True)
class Order:
    """By these fields, all in one direction (1 or -1), then by `_id`, so that no two items are level."""

    fields: tuple[str, ...]
    direction: int

    def sort(self) -> list[tuple[str, int]]:
        return [(field, self.direction) for field in (*self.fields, "_id")]

    def beyond(self, position: Sequence[Any]) -> Document:
        """The filter for what comes after an item with these values, the last of which is its id."""
        keys = (*self.fields, "_id")
        further = "$gt" if self.direction > 0 else "$lt"
        level = [dict(zip(keys[:n], position[:n], strict=True)) for n in range(len(keys))]
        choices = [{**same, keys[n]: {further: position[n]}} for n, same in enumerate(level)]
        # The bound on the first field is implied; it lets an index scan begin there.
        return {"$and": [{keys[0]: {f"{further}e": position[0]}}, {"$or": choices}]}


@dataclass(frozen=True, slots=True)
class Listing:
    """What is asked for: `query` begins with the organisation; `asked` tells one list from another, as text."""

    query: Document
    order: Order
    asked: str
    cursor: str | None
    limit: int
    hint: str | None = None
    """Name of the index that serves it; None leaves the choice to MongoDB."""
    fields: Mapping[str, int] | None = None
    """A projection that keeps the order's fields."""

    def filter(self) -> Document:
        if self.cursor is None:
            return self.query
        return {"$and": [self.query, self.order.beyond(self._position(self.cursor))]}

    def cursor_over(self, collection: Collection) -> Any:
        """One document more than the page has, where there are more."""
        found = collection.find(self.filter(), self.fields).sort(self.order.sort()).limit(self.limit + 1)
        return found.hint(self.hint) if self.hint is not None else found

    def next_after(self, document: Document) -> str:
        position = [_value(document, field) for field in (*self.order.fields, "_id")]
        content = orjson.dumps([self._mark(), *(_written(value) for value in position)])
        return urlsafe_b64encode(content).decode().rstrip("=")

    def _mark(self) -> str:
        return hashlib.sha256(f"{self.order} {self.asked}".encode()).hexdigest()[:12]

    def _position(self, cursor: str) -> list[Any]:
        """Raises Refused (VALIDATION_ERROR) for what is no cursor, or another list's."""
        try:
            content = orjson.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
            mark, *position = content
            if mark == self._mark() and len(position) == len(self.order.fields) + 1:
                return [_read(value) for value in position]
        except (ValueError, TypeError, KeyError):
            pass
        raise Refused(
            Code.VALIDATION_ERROR, "The cursor is not valid", field="cursor", value=cursor[:200], reason=_MISFIT
        )


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    items: list[T]
    next: str | None
    """The cursor of the page that follows; None on the last."""
    total: int
    """Of the whole list; where it is not exact there are more."""
    is_exact: bool

    def about(self) -> dict[str, Any]:
        """What stands beside the items in an answer."""
        return {"next": self.next, "total": self.total, "total_is_exact": self.is_exact}

    def map(self, change: Callable[[T], S]) -> "Page[S]":
        return Page([change(item) for item in self.items], self.next, self.total, self.is_exact)


async def page_of(collection: Collection, listing: Listing) -> Page[Document]:
    """Raises Refused for a cursor that does not belong to the list."""
    documents = [document async for document in listing.cursor_over(collection)]
    options = {"hint": listing.hint} if listing.hint is not None else {}
    counted = await collection.count_documents(listing.query, limit=COUNTED + 1, **options)
    items = documents[: listing.limit]
    following = listing.next_after(items[-1]) if len(documents) > listing.limit else None
    return Page(items, following, min(counted, COUNTED), counted <= COUNTED)


def _value(document: Document, path: str) -> Any:
    value: Any = document
    for part in path.split("."):
        value = value[part]
    return value


def _written(value: Any) -> Any:
    return {"at": rfc3339(value)} if isinstance(value, datetime) else value


def _read(value: Any) -> Any:
    """Returns what `_written` wrote. Raises ValueError, TypeError or KeyError for what it can't have written."""
    if isinstance(value, dict):
        return in_utc(datetime.fromisoformat(value["at"]))
    if isinstance(value, str) or (isinstance(value, int) and _LEAST_INTEGER <= value <= _GREATEST_INTEGER):
        return value
    raise TypeError(value)
