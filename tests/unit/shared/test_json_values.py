"""What can't be stored is found before anything is written, and named by its path."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import Refused
from shared.json_values import MAX_DEPTH, storable


def nested(levels: int, lists: bool = False) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value] if lists else {"a": value}
    return value


def refusal(value: Any) -> dict[str, Any]:
    with pytest.raises(Refused) as caught:
        storable(value)
    return caught.value.rejection.details


@pytest.mark.parametrize("lists", [True, False])
def test_takes_the_deepest_nesting_that_is_allowed_and_nothing_deeper(lists: bool) -> None:
    storable(nested(MAX_DEPTH, lists))
    assert "Nested deeper" in refusal(nested(MAX_DEPTH + 1, lists))["reason"]


@pytest.mark.parametrize("number", [2**63 - 1, -(2**63), 0, True, 1.5e300])
def test_takes_numbers_that_fit(number: float) -> None:
    storable({"n": number, "list": [number]})


@pytest.mark.parametrize("number", [2**63, -(2**63) - 1])
def test_refuses_integers_beyond_64_bits_with_their_path(number: int) -> None:
    assert refusal({"completion": {"data": [{"n": 1}, {"n": number}]}})["field"] == "completion.data[1].n"


@pytest.mark.parametrize("number", [float("inf"), float("-inf"), float("nan")])
def test_refuses_what_json_has_no_number_for(number: float) -> None:
    assert refusal({"data": {"n": number}})["field"] == "data.n"


def test_refuses_a_nul_in_a_name() -> None:
    assert "NUL" in refusal({"run": {"a\0b": 1}})["reason"]


NAMES = st.text(st.characters(exclude_characters="\0"), max_size=8)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=20,
)


@given(JSON)
def test_takes_every_other_json(value: Any) -> None:
    storable(value)


@pytest.mark.parametrize("value", [{"$encrypted": "aes-256-gcm", "ciphertext": "x"}, {"$encrypted": None}])
@pytest.mark.parametrize(("around", "path"), [(lambda v: {"a": v}, "a"), (lambda v: {"a": [{"b": v}]}, "a[0].b")])
def test_refuses_an_encrypted_value_wherever_it_stands(value: Any, around: Any, path: str) -> None:
    with pytest.raises(Refused) as refused:
        storable(around(value))
    assert refused.value.rejection.details["field"] == path
    assert "value" not in refused.value.rejection.details
