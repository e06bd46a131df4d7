"""When a job that has come may begin."""

from datetime import datetime, timedelta

_LATE = timedelta(seconds=5)
_SETTLING = timedelta(seconds=5)


def begin_at(created_at: datetime, now: datetime) -> datetime:
    """At once. A job that comes late waits a moment: that its run was paused or has ended since stands behind it in the
    log, and is about to be read."""
    return now + _SETTLING if now - created_at > _LATE else now
