"""Proof that a run's events are those that were written: all of them, in order, unchanged."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

Event = Mapping[str, Any]
"""An event's envelope, as it came over the wire."""
HashOf = Callable[[Event], str]
"""SHA-256, hex, over an event without its own `hash`, as whoever wrote it reckoned it."""


@dataclass(frozen=True, slots=True)
class Break:
    """Where the chain does not hold, and why."""

    sequence: int
    reason: str


def verify(events: Iterable[Event], hash_of: HashOf) -> Break | None:
    """The first break of the chain, from sequence 1 on; None where it holds."""
    expected, previous = 1, None
    for event in events:
        reason = _broken(event, expected, previous, hash_of)
        if reason is not None:
            return Break(expected, reason)
        expected, previous = expected + 1, event["hash"]
    return None


def _broken(event: Event, expected: int, previous: str | None, hash_of: HashOf) -> str | None:
    if not event:
        return "it can't be read any more"
    if event.get("sequence") != expected:
        return f"event {expected} is missing: {event.get('sequence')} stands in its place"
    if event.get("previous_hash") != previous:
        return "it does not follow from the event before it"
    if event.get("hash") != hash_of(event):
        return "its content is not what was hashed when it was written"
    return None
