"""A chain against the engine's word on where it ends."""

from typing import Any

from contracts import events
from services.timeline.domain.verification import Head, verification
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


def test_holds_up_to_the_engines_head_and_beyond() -> None:
    chain = _chain(4)
    assert verification(chain, _head(chain), hash_of)["status"] == "verified"
    later = verification(chain, _head(chain[:3]), hash_of)
    assert (later["status"], later["events"], later["expected_events"]) == ("verified", 4, 4)


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
