"""The proof that nothing was taken away, put in or changed."""

from typing import Any

import pytest

from contracts import events
from services.timeline.domain.chain import Break, verify
from shared.messages import hash_of
from tests.unit.timeline.events import sample, wire


def _chain(length: int) -> list[dict[str, Any]]:
    chain: list[dict[str, Any]] = []
    for sequence in range(1, length + 1):
        previous = chain[-1]["hash"] if chain else None
        chain.append(wire(sample(events.DataUpdated, data={"n": sequence}), sequence, previous))
    return chain


def test_holds_for_what_was_written() -> None:
    assert verify(_chain(5), hash_of) is None
    assert verify([], hash_of) is None


def test_finds_an_event_that_was_taken_away() -> None:
    chain = _chain(5)
    assert verify(chain[:2] + chain[3:], hash_of) == Break(3, "event 3 is missing: 4 stands in its place")
    assert verify(chain[1:], hash_of) == Break(1, "event 1 is missing: 2 stands in its place")


@pytest.mark.parametrize("field", sorted(set(wire(sample(events.DataUpdated))) - {"sequence", "previous_hash"}))
def test_finds_what_was_changed(field: str) -> None:
    chain = _chain(3)
    chain[1] = {**chain[1], field: "changed"}
    assert verify(chain, hash_of) == Break(2, "its content is not what was hashed when it was written")


def test_finds_an_event_of_which_nothing_can_be_read() -> None:
    chain = _chain(3)
    assert verify([chain[0], {}, chain[2]], hash_of) == Break(2, "it can't be read any more")


def test_finds_an_event_that_was_written_anew_with_a_fitting_hash() -> None:
    chain = _chain(3)
    forged = {**chain[1], "data": {}}
    chain[1] = {**forged, "hash": hash_of(forged)}
    assert verify(chain, hash_of) == Break(3, "it does not follow from the event before it")
