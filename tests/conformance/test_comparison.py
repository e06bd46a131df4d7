"""The comparison itself: what it sees, and what it lets pass."""

from typing import Any

import pytest

from tests.conformance.comparison import differences


@pytest.mark.parametrize(
    ("expected", "actual", "found"),
    [
        ({"a": 1}, {"a": 1, "b": 2}, ["additional b"]),
        ({"a": 1, "b": [{"c": 2}]}, {"b": [{"d": 2}], "a": 1}, ["missing b[].c", "additional b[].d"]),
        ({"a": 1}, {"a": "1"}, ["type a"]),
        ({"a": True}, {"a": 1}, ["type a"]),
        ({"a": 36.0}, {"a": 36}, []),
        ({"a": "approved"}, {"a": "rejected"}, ["value a"]),
        ({"a": [1, 2, 1]}, {"a": [1, 2]}, ["value a"]),
        ({"a": "2024-01-15T11:00:00Z"}, {"a": "2026-02-01T09:30:00.125Z"}, []),
        ({"a": "2024-01-15T11:00:00Z"}, {"a": "2026-02-01T09:30:00+01:00"}, ["form a"]),
    ],
)
def test_names_each_difference(expected: Any, actual: Any, found: list[str]) -> None:
    assert [difference.name for difference in differences(expected, actual)] == found


@pytest.mark.parametrize(
    ("expected", "actual", "found"),
    [
        ("run_456e7890", "run_0e14313d-c5b7-59b8-b88f-80e5f95448e6", []),
        ("run_456e7890", "pb_0e14313d", ["form a"]),
        ("in_progress", "paused", []),
        (30, 0.2, []),
        (30, None, ["type a"]),
    ],
)
def test_takes_an_example_by_its_form(expected: Any, actual: Any, found: list[str]) -> None:
    assert [difference.name for difference in differences({"a": expected}, {"a": actual}, ["a"])] == found


def test_holds_each_element_of_an_example_list_against_the_first() -> None:
    expected = {"list": [{"n": 1}, {"n": 2}]}
    assert differences(expected, {"list": [{"n": 7}]}, ["list[[]]*"]) == []
    assert [d.name for d in differences(expected, {"list": []}, ["list[[]]*"])] == ["missing list[]"]
    assert [d.name for d in differences(expected, {"list": [{"n": 7}, {}]}, ["list[[]]*"])] == ["missing list[].n"]
