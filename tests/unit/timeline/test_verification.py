"""A chain against the engine's word on where it ends."""

from typing import Any

from contracts import events
from services.timeline.domain.verification import Head, own_head, verification
from shared.messages import hash_of
from tests.unit.timeline.events import sample, wire


def _chain(length: int) -> list[dict[str, Any]]:
    chain: list[dict[str, Any]] = []
    for sequence in range(1, length + 1):
        previous = chain[-1]["hash"] if chain else None
        chain.append(wire(sample(events.DataUpdated, data={"n": sequence}), sequence, previous))
    return chain


def _head(chain: list[dict[str, Any]]) -> Head:
    return Head(len(chain), chain[-1]["hash"])


def test_holds_up_to_the_engines_head_and_does_not_look_at_what_came_later() -> None:
    chain = _chain(4)
    assert verification(chain, _head(chain), hash_of, 4)["status"] == "verified"
    later = verification(chain, _head(chain[:3]), hash_of, 3)
    assert (later["status"], later["events"], later["expected_events"]) == ("verified", 3, 3)


def test_an_event_that_was_here_before_the_engine_was_asked_and_lies_beyond_its_head_was_put_in() -> None:
    chain = _chain(4)
    found = verification(chain, _head(chain[:3]), hash_of, 4)
    assert found["broken"] == {"sequence": 4, "reason": "the engine wrote no such event"}
    assert (found["events"], found["expected_events"]) == (4, 3)
    assert verification(chain, Head(0, None), hash_of, 4)["broken"]["sequence"] == 1


def test_a_history_of_which_nothing_is_left_is_incomplete() -> None:
    found = verification([], _head(_chain(3)), hash_of)
    assert (found["status"], found["missing_from"]) == ("incomplete", 1)


def test_without_the_engine_a_history_is_held_against_its_own_end() -> None:
    chain = _chain(3)
    assert verification(chain, own_head(chain), hash_of)["status"] == "verified"
    assert verification([*chain[:2], {}], own_head([*chain[:2], {}]), hash_of)["broken"]["sequence"] == 3


def test_a_chain_that_was_cut_short_is_incomplete() -> None:
    chain = _chain(4)
    found = verification(chain[:2], _head(chain), hash_of)
    assert (found["status"], found["missing_from"], found["expected_events"]) == ("incomplete", 3, 4)


def test_an_event_that_is_missing_in_the_middle_breaks_it() -> None:
    chain = _chain(4)
    found = verification([*chain[:1], *chain[2:]], _head(chain), hash_of)
    assert (found["status"], found["broken"]["sequence"]) == ("broken", 2)


def test_a_chain_that_was_written_anew_to_its_end_is_found_by_the_engines_hash() -> None:
    chain = _chain(3)
    forged = {**chain[2], "data": {**chain[2]["data"], "data": {"n": 1000}}}
    forged["hash"] = hash_of(forged)
    found = verification([*chain[:2], forged], _head(chain), hash_of)
    assert found["broken"] == {"sequence": 3, "reason": "it is not the event that the engine wrote"}
