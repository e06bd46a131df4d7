"""What a Retry-After header may say."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.retry_after import retry_after

NOON = datetime(2024, 1, 15, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120), ("0", 0), ("999999999", 3600), ("Mon, 15 Jan 2024 12:01:30 GMT", 90),
        ("Mon, 15 Jan 2024 11:00:00 GMT", 0), ("Mon, 15 Jan 2024 12:01:30 -0000", 90), ("soon", None), ("-5", None),
        ("1.5", None), ("", None), ("²", None), ("Mon, 99 Jan 2024 99:00:00 GMT", None),
        ("15 Jan 99999999999999 00:00:00 GMT", None), ("9" * 400, 3600),
    ],
)  # fmt: skip
def test_retry_after_is_a_number_of_seconds_or_a_date(value: str, seconds: float | None) -> None:
    assert retry_after({"retry-after": value}, NOON) == seconds


@given(st.text() | st.from_regex(r"[A-Z][a-z]{2}, \d+ [A-Z][a-z]{2} \d+ \d+:\d+:\d+ [A-Z+-]\d*"))
def test_whatever_retry_after_says_nothing_raises(value: str) -> None:
    assert 0 <= (retry_after({"retry-after": value}, NOON) or 0) <= 3600


def test_without_the_header_nothing_is_asked() -> None:
    assert retry_after({}, NOON) is None
