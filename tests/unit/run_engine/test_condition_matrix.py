"""Every operator over every kind of value, and what holds of the operators among each other."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.definitions import FIELD_OPERATORS, Condition
from services.playbook_registry.domain.conditions import KnownSteps, faults
from services.run_engine.domain.clear import GONE
from services.run_engine.domain.conditions import Facts, unmet
from tests.unit.run_engine.condition_matrix import ACTUAL, MATRIX, NAMED, REASONS, rows

NO_STEPS = KnownSteps(frozenset(), frozenset())


def encrypted(name: str) -> dict[str, str]:
    return {"$encrypted": "aes-256-gcm", "key_id": "key_1", "nonce": "nonce", "ciphertext": name}


FACTS = Facts(
    data={**ACTUAL, "encrypted": encrypted("kept"), "erased": encrypted("lost")},
    context={},
    steps={},
    clear={("encrypted", "kept"): "ab", ("erased", "lost"): GONE},
)


def condition(field: str, operator: str, value: Any) -> Condition:
    return Condition.model_validate({"field": field, "operator": operator, "value": value})


def reason(field: str, operator: str, value: Any, facts: Facts = FACTS) -> str | None:
    """Why it does not hold; None where it does."""
    found = unmet([condition(field, operator, value)], facts)
    return found[0].reason if found else None


def named(operator: str, column: str) -> Any:
    value = NAMED[column]
    return {"in": [value], "not_in": [value], "between": [value, value]}.get(operator, value)


def mark_of(reason: str | None) -> str:
    if reason is None:
        return "+"
    marks = [mark for mark, words in REASONS.items() if any(word in reason for word in words)]
    assert len(marks) == 1, reason
    return marks[0]


def test_the_matrix_has_every_operator_and_every_kind() -> None:
    assert set(MATRIX) == set(FIELD_OPERATORS)
    for operator in MATRIX:
        assert list(rows(operator)) == ["create", "missing", *ACTUAL, "encrypted", "erased"]
        assert all(list(marks) == list(NAMED) for marks in rows(operator).values())


@pytest.mark.parametrize("operator", FIELD_OPERATORS)
def test_holds_as_the_matrix_says(operator: str) -> None:
    expected = {row: marks for row, marks in rows(operator).items() if row != "create"}
    found = {
        row: {column: mark_of(reason(row, operator, named(operator, column))) for column in marks}
        for row, marks in expected.items()
    }
    assert found == expected


@pytest.mark.parametrize("operator", FIELD_OPERATORS)
def test_create_takes_what_the_matrix_says(operator: str) -> None:
    expected = rows(operator)["create"]
    conditions = {column: condition("a", operator, named(operator, column)) for column in expected}
    found = {column: "#" if list(faults([c], "pre", NO_STEPS)) else "." for column, c in conditions.items()}
    assert found == expected


texts = st.sampled_from(["", "a", "ab", "b", "2024-01-15", "2024-01-15T11:00:00", "2024-01-15T12:00:00+01:00", "5"])
numbers = st.one_of(
    st.integers(-3, 3),
    st.sampled_from([2**53 + 1, float(2**53), 10**400, 0.5]),
    st.floats(allow_nan=False, allow_infinity=False, width=16),
)
scalars = st.one_of(st.none(), st.booleans(), numbers, texts)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
    max_leaves=5,
)  # fmt: skip
anything = st.one_of(values, st.sampled_from([float("nan"), float("inf"), GONE, encrypted("kept"), encrypted("lost")]))
OPPOSITES = [("=", "!="), ("in", "not_in"), ("contains", "not_contains"), ("exists", "not_exists")]


def verdict(actual: Any, operator: str, value: Any) -> str | None:
    return reason("f", operator, value, Facts({"f": actual}, {}, {}, FACTS.clear))


def holds(actual: Any, operator: str, value: Any) -> bool:
    return verdict(actual, operator, value) is None


@given(anything, st.sampled_from([*FIELD_OPERATORS, "~", ""]), anything)
def test_nothing_raises_and_what_does_not_hold_says_why(actual: Any, operator: str, value: Any) -> None:
    assert verdict(actual, operator, value) != ""


@pytest.mark.parametrize(("operator", "opposite"), OPPOSITES)
@given(anything, anything)
def test_an_opposite_holds_exactly_where_both_sides_compare_and_the_other_does_not(
    operator: str, opposite: str, actual: Any, value: Any
) -> None:
    first, second = verdict(actual, operator, value), verdict(actual, opposite, value)
    assert first is not None or second is not None
    if first is not None and second is not None:
        assert first == second  # the same mismatch, and no verdict
        assert "does not hold" not in first


@given(scalars, st.lists(scalars, max_size=4))
def test_in_is_equal_to_one_of_the_list(actual: Any, listed: list[Any]) -> None:
    assert holds(actual, "in", listed) == any(holds(actual, "=", item) for item in listed)


@given(scalars, st.lists(scalars, min_size=1, max_size=4))
def test_not_in_is_unequal_to_all_of_the_list_that_it_can_be_compared_with(actual: Any, listed: list[Any]) -> None:
    compared = [item for item in listed if holds(actual, "=", item) or holds(actual, "!=", item)]
    assert holds(actual, "not_in", listed) == (bool(compared) and all(holds(actual, "!=", item) for item in compared))


@given(st.lists(scalars, max_size=4), scalars)
def test_a_list_contains_what_is_equal_to_one_of_its_items(items: list[Any], value: Any) -> None:
    assert holds(items, "contains", value) == any(holds(item, "=", value) for item in items)


@given(scalars, scalars, scalars)
def test_between_is_neither_below_the_one_nor_above_the_other(actual: Any, low: Any, high: Any) -> None:
    expected = holds(actual, ">=", low) and holds(actual, "<=", high)
    assert holds(actual, "between", [low, high]) == expected


@given(scalars, scalars)
def test_of_two_that_can_be_ordered_one_is_below_above_or_equal(left: Any, right: Any) -> None:
    marks = [holds(left, operator, right) for operator in ("<", "=", ">")]
    can_be_ordered = "ordered" not in (verdict(left, "<", right) or "")
    assert sum(marks) == 1 if can_be_ordered else marks[0] is marks[2] is False
    assert holds(left, ">=", right) == (can_be_ordered and not marks[0])
    assert holds(left, "<=", right) == (can_be_ordered and not marks[2])
    assert holds(left, "<", right) == holds(right, ">", left)


@given(st.booleans(), numbers)
def test_a_boolean_is_no_number_at_any_depth(flag: bool, number: Any) -> None:
    for deep_flag, deep_number in ((flag, number), ([flag], [number]), ({"a": [flag]}, {"a": [number]})):
        assert not holds(deep_flag, "=", deep_number)
    assert not holds([[flag]], "contains", [number])
    assert not holds([flag], "in", [[number]])


moments = st.datetimes(datetime(1990, 1, 1), datetime(2050, 1, 1), timezones=st.just(UTC))
zones = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(moments, moments, zones, zones)
def test_times_compare_as_moments_in_whatever_zone_they_are_written(
    first: datetime, second: datetime, here: timezone, there: timezone
) -> None:
    left, right = first.astimezone(here).isoformat(), second.astimezone(there).isoformat()
    assert holds(left, "<", right) == (first < second)
    assert holds(left, "=", right) == (first == second)
    assert holds(left, "<=", second.replace(tzinfo=None).isoformat()) == (first <= second)


def test_a_value_that_is_encrypted_within_another_is_compared_by_what_it_holds() -> None:
    person = {"encrypted": encrypted("kept")}
    facts = Facts({"person": person, "people": [person]}, {}, {}, FACTS.clear)
    assert reason("person", "=", {"encrypted": "ab"}, facts) is None
    assert reason("people", "contains", {"encrypted": "ab"}, facts) is None
    (told,) = unmet([condition("person", "=", {"encrypted": "b"})], facts)
    assert told.actual_value is None


@pytest.mark.parametrize(("field", "clear"), [("list", FACTS.clear), ("unknown", FACTS.clear), ("unknown", {})])
@pytest.mark.parametrize("operator", ["=", "!=", "contains", "not_contains"])
def test_what_cannot_be_read_is_compared_with_nothing(
    operator: str, field: str, clear: dict[tuple[str, str], Any]
) -> None:
    facts = Facts({"list": [encrypted("lost")], "unknown": encrypted("unknown")}, {}, {}, clear)
    assert reason(field, operator, "ab", facts) == f"Field '{field}' holds an encrypted value that can't be read"


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("rows.1.id", True), ("rows.2.id", False), ("rows.-1.id", False), ("rows.0000000001.id", False),
        ("rows.12345678901.id", False), ("a.b", True), ("rows.x", False), ("text.0", False), ("rows.1.id.x", False),
    ],
)  # fmt: skip
def test_a_path_leads_to_a_value_or_nowhere(path: str, found: bool) -> None:
    facts = Facts({"rows": [{"id": 1}, {"id": 2}], "a.b": 1, "text": "ab"}, {}, {})
    assert (reason(path, "exists", None, facts) is None) is found
