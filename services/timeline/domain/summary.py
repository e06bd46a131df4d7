"""What a timeline comes to: how many events, whose, over which time, and where the run stands."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from contracts.entries import Entry
from contracts.envelope import Envelope

STATUS_AFTER: dict[str, str] = {
    "RunCreated": "active",
    "RunPaused": "paused",
    "RunResumed": "active",
    "RunBlocked": "blocked",
    "RunUnblocked": "active",
    "RunCompleted": "completed",
    "RunFailed": "failed",
    "RunReopened": "active",
    "RunCancelled": "cancelled",
}
"""By event, the run's status from then on; every other event leaves it as it is."""


def summary(shown: Sequence[Entry], events: Sequence[Envelope]) -> dict[str, Any]:
    """Counts and time over the entries that are shown; the status from all events, hidden ones included."""
    by_users = sum(entry["actor_type"] == "user" for entry in shown)
    return {
        "total_events": len(shown),
        "user_events": by_users,
        "system_events": len(shown) - by_users,
        "time_elapsed_minutes": _minutes(shown),
        "current_status": current_status(events),
    }


def current_status(events: Sequence[Envelope]) -> str | None:
    """None where no event is there that says it."""
    return next((STATUS_AFTER[e.type] for e in reversed(events) if e.type in STATUS_AFTER), None)


def _minutes(shown: Sequence[Entry]) -> float:
    """From the first to the last, with one digit after the point at most."""
    if not shown:
        return 0
    first, last = (datetime.fromisoformat(entry["timestamp"]) for entry in (shown[0], shown[-1]))
    minutes = round((last - first).total_seconds() / 60, 1)
    return int(minutes) if minutes == int(minutes) else minutes
