"""Pages: nothing is left out and nothing comes twice, also where several items are of one moment."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.rejections import Code
from shared.errors import Refused
from shared.pages import Page, after

START = datetime(2024, 1, 15, tzinfo=UTC)


@dataclass(frozen=True)
class Item:
    at: datetime
    item_id: str


def items_of(moments: list[int]) -> list[Item]:
    """Newest first, as a store gives them."""
    made = [Item(START + timedelta(milliseconds=ms), f"run_{number:03d}") for number, ms in enumerate(moments)]
    return sorted(made, key=lambda item: (item.at, item.item_id), reverse=True)


def page(items: list[Item], cursor: str | None, limit: int) -> Page[Item]:
    """What a store answers: the filter is applied as MongoDB would."""
    found = [item for item in items if _matches(after("at", cursor), item)]
    return Page.of(found[: limit + 1], limit, len(items), lambda item: (item.at, item.item_id))


def _matches(query: dict[str, Any], item: Item) -> bool:
    if not query:
        return True
    bound, choice = query["$and"]
    older, same_moment = choice["$or"]
    assert bound["at"]["$lte"] == older["at"]["$lt"]
    return bool(item.at < older["at"]["$lt"]) or (
        item.at == bound["at"]["$lte"] and item.item_id < same_moment["_id"]["$lt"]
    )


@given(st.lists(st.integers(0, 5), max_size=30), st.integers(1, 7))
def test_walks_over_every_item_once_in_order(moments: list[int], limit: int) -> None:
    items = items_of(moments)
    walked: list[Item] = []
    cursor: str | None = None
    while True:
        current = page(items, cursor, limit)
        walked += current.items
        cursor = current.next
        if cursor is None:
            break
    assert walked == items


def test_an_item_that_comes_while_somebody_walks_shifts_nothing() -> None:
    items = items_of([1, 2, 3, 4])
    first = page(items, None, 2)
    newer = [Item(START + timedelta(seconds=1), "run_999"), *items]
    assert page(newer, first.next, 2).items == items[2:]


def test_the_last_page_has_no_cursor() -> None:
    items = items_of([1, 2])
    assert page(items, None, 2).next is None
    assert page(items, None, 2).total == 2


@pytest.mark.parametrize("cursor", ["", "x", "%%%", "MjAyNC0wMS0xNQ", "w7w", "AAAA" * 200, "é"])
def test_refuses_a_cursor_that_is_none(cursor: str) -> None:
    with pytest.raises(Refused) as caught:
        after("at", cursor)
    assert caught.value.rejection.code == Code.VALIDATION_ERROR
    assert caught.value.rejection.details["field"] == "cursor"


@given(st.text(max_size=40))
def test_any_text_is_a_cursor_or_refused(cursor: str) -> None:
    try:
        after("at", cursor)
    except Refused:
        return
