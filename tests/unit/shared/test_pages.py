"""Pages: nothing is left out and nothing comes twice, also where several items are level."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.rejections import Code
from shared.errors import Refused
from shared.pages import Listing, Order

START = datetime(2024, 1, 15, tzinfo=UTC)
NEWEST = Order(("at",), -1)
URGENT = Order(("rank", "at"), 1)
Item = dict[str, Any]


def items_of(moments: list[tuple[int, int]]) -> list[Item]:
    return [
        {"_id": f"run_{n:03d}", "at": START + timedelta(milliseconds=ms), "rank": rank, "organization_id": "org_1"}
        for n, (ms, rank) in enumerate(moments)
    ]


def listing(order: Order, cursor: str | None, limit: int = 3, asked: str = "") -> Listing:
    return Listing({"organization_id": "org_1"}, order, asked, cursor, limit)


def page(items: list[Item], asked: Listing) -> tuple[list[Item], str | None]:
    """What MongoDB answers to the filter and the sort."""
    found = [item for item in items if _matches(asked.filter(), item)]
    keys = [field for field, _ in asked.order.sort()]
    found.sort(key=lambda item: [item[key] for key in keys], reverse=asked.order.direction < 0)
    shown = found[: asked.limit]
    return shown, asked.next_after(shown[-1]) if len(found) > asked.limit else None


def _matches(query: Item, item: Item) -> bool:
    return all(_holds(field, wanted, item) for field, wanted in query.items())


def _holds(field: str, wanted: Any, item: Item) -> bool:
    if field == "$and":
        return all(_matches(part, item) for part in wanted)
    if field == "$or":
        return any(_matches(part, item) for part in wanted)
    if not isinstance(wanted, dict):
        return bool(item[field] == wanted)
    tests = {
        "$gt": item[field].__gt__,
        "$gte": item[field].__ge__,
        "$lt": item[field].__lt__,
        "$lte": item[field].__le__,
    }
    return all(tests[name](bound) for name, bound in wanted.items())


@pytest.mark.parametrize("order", [NEWEST, URGENT])
@given(moments=st.lists(st.tuples(st.integers(0, 5), st.integers(0, 2)), max_size=30), limit=st.integers(1, 7))
def test_walks_over_every_item_once_in_order(order: Order, moments: list[tuple[int, int]], limit: int) -> None:
    items = items_of(moments)
    walked: list[Item] = []
    cursor: str | None = None
    while True:
        shown, cursor = page(items, listing(order, cursor, limit))
        walked += shown
        if cursor is None:
            break
    keys = [field for field, _ in order.sort()]
    assert walked == sorted(items, key=lambda item: [item[key] for key in keys], reverse=order.direction < 0)


def test_an_item_that_comes_while_somebody_walks_shifts_nothing() -> None:
    items = items_of([(1, 0), (2, 0), (3, 0), (4, 0)])
    _, cursor = page(items, listing(NEWEST, None, 2))
    newer = {"_id": "run_999", "at": START + timedelta(seconds=1), "rank": 0, "organization_id": "org_1"}
    assert [item["_id"] for item in page([newer, *items], listing(NEWEST, cursor, 2))[0]] == ["run_001", "run_000"]


def test_a_cursor_belongs_to_its_filters_and_its_order() -> None:
    _, cursor = page(items_of([(1, 0)] * 4), listing(NEWEST, None, 2, "status=active"))
    assert listing(NEWEST, cursor, 2, "status=active").filter()
    for other in (listing(NEWEST, cursor, 2, "status=failed"), listing(URGENT, cursor, 2, "status=active")):
        refuses(other)


def refuses(asked: Listing) -> None:
    with pytest.raises(Refused) as caught:
        asked.filter()
    assert caught.value.rejection.code == Code.VALIDATION_ERROR
    assert caught.value.rejection.details["field"] == "cursor"


@pytest.mark.parametrize("cursor", ["", "x", "%%%", "MjAyNC0wMS0xNQ", "w7w", "AAAA" * 200, "é", "W10", "e30", "bnVsbA"])
def test_refuses_a_cursor_that_is_none(cursor: str) -> None:
    refuses(listing(NEWEST, cursor))


@pytest.mark.parametrize("position", range(3))
@pytest.mark.parametrize(
    "value",
    [2**63, 2**64 - 1, 1.5, None, [], {}, {"at": None}, {"at": 1}]
    + [{"at": text} for text in ("0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-00:01", "2024-01-15T00:00:00", "")],
)
def test_refuses_a_cursor_that_holds_what_no_page_wrote(position: int, value: Any) -> None:
    _, cursor = page(items_of([(1, 0)] * 4), listing(URGENT, None, 2))
    assert cursor is not None
    mark, *values = orjson.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    values[position] = value
    forged = urlsafe_b64encode(orjson.dumps([mark, *values])).decode().rstrip("=")
    refuses(listing(URGENT, forged, 2))


@given(st.text(max_size=40))
def test_any_text_is_a_cursor_or_refused(cursor: str) -> None:
    refuses(listing(NEWEST, cursor))
