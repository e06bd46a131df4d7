"""The one place that reads the clock: this machine's, or MongoDB's where that one is off (decision 0091)."""

import time
from datetime import UTC, datetime, timedelta

MAY_DIFFER = timedelta(minutes=1)
"""A moment by one machine's clock is compared with another machine's no more precisely than this."""
TOLERATED_SECONDS = 1.0
"""A clock that differs from MongoDB's by no more than this is taken as it is."""
_offset = time.time() - time.monotonic()
"""From the monotonic clock to the time: between two measurements, nobody who sets the machine's clock moves ours."""


def now() -> datetime:
    """Returns the time now, in UTC, cut to milliseconds (what MongoDB keeps)."""
    moment = datetime.fromtimestamp(time.monotonic() + _offset, UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def machine_seconds() -> float:
    """Returns the seconds since 1970 by this machine's own clock, for what is compared with that clock only."""
    return time.time()


def set_by(server_seconds: float, at: float, uncertain_seconds: float) -> float:
    """Takes the server's time, which it had when the monotonic clock showed `at`, if this machine's clock is off.

    A small difference is left alone: a clock that followed every measurement would jump to and fro. Returns by how many
    seconds this machine's clock is ahead.
    """
    global _offset
    machine, server = time.time() - time.monotonic(), server_seconds - at
    tolerated = TOLERATED_SECONDS + uncertain_seconds
    if abs(machine - server) <= tolerated:
        _offset = machine
    elif abs(_offset - server) > tolerated:
        _offset = server
    return machine - server
