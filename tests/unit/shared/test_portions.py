"""A batch in portions of so many bytes."""

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from shared.kafka.portions import PORTION_BYTES, portions


@dataclass
class Sized:
    value: bytes | None
    offset: int = 0
    topic: str = "t"
    partition: int = 0
    timestamp: int = 0
    key: bytes | None = None


@given(st.lists(st.integers(0, PORTION_BYTES * 3 // 2).map(lambda size: Sized(b"x" * size)), max_size=8))
def test_portions_are_the_batch_in_order_and_none_is_larger_than_it_may_be(batch: list[Sized]) -> None:
    found = list(portions(batch))
    assert [record for portion in found for record in portion] == batch
    for portion in found:
        assert len(portion) == 1 or sum(len(r.value or b"") for r in portion) <= PORTION_BYTES


def test_small_records_stay_together() -> None:
    batch = [Sized(b"x")] * 500 + [Sized(None)]
    assert [len(portion) for portion in portions(batch)] == [501]
