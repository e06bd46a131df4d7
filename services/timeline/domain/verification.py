"""What a check of a run's chain comes to, against the engine's word on where the chain ends."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from services.timeline.domain.chain import Event, HashOf, verify

Status = Literal["verified", "broken", "incomplete"]
ALGORITHM = "SHA-256 over each event's canonical JSON without its own hash; previous_hash links it to the one before"


@dataclass(frozen=True, slots=True)
class Head:
    """The run's last event as the engine keeps it: how many there are, and the hash that the last one has."""

    sequence: int
    hash: str | None


def own_head(events: Sequence[Event]) -> Head:
    """Where the events end by themselves, for want of the engine's word."""
    return Head(len(events), events[-1].get("hash") if events else None)


def verification(events: Sequence[Event], head: Head, hash_of: HashOf, here: int = 0) -> dict[str, Any]:
    """`status`: `verified`; `broken`, with the first event that does not hold and why; `incomplete`, where the last
    events of the engine's count are not here. The engine keeps its count apart, so that a chain that was cut short or
    written anew from some event on does not pass.

    `events` are raw, from sequence 1 on; what came after the head is not looked at. `here`: how many there were before
    the engine was asked for its head, none of which can lie beyond it.
    """
    status, at, reason = _judged(events[: head.sequence], head, hash_of, here)
    return {
        "status": status,
        "events": max(min(len(events), head.sequence), here),
        "expected_events": head.sequence,
        "head_hash": head.hash,
        "algorithm": ALGORITHM,
        "broken": {"sequence": at, "reason": reason} if status == "broken" else None,
        "missing_from": at if status == "incomplete" else None,
    }


def _judged(events: Sequence[Event], head: Head, hash_of: HashOf, here: int) -> tuple[Status, int | None, str | None]:
    broken = verify(events, hash_of)
    if broken is not None:
        return "broken", broken.sequence, broken.reason
    if len(events) < head.sequence:
        return "incomplete", len(events) + 1, None
    if events and events[-1]["hash"] != head.hash:
        return "broken", head.sequence, "it is not the event that the engine wrote"
    if here > head.sequence:
        return "broken", head.sequence + 1, "the engine wrote no such event"
    return "verified", None, None
