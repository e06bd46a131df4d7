"""When a delivery is tried again, and when it is given up."""

from datetime import datetime, timedelta

FIRST_PAUSE = timedelta(seconds=5)
LONGEST_PAUSE = timedelta(hours=1)
GIVEN_UP_AFTER = timedelta(days=1)


def next_try(created_at: datetime, tries: int, now: datetime, jitter: float) -> datetime | None:
    """The pause doubles from five seconds to an hour, and `jitter` (0 to 1) adds up to half of it. None after a day."""
    if now - created_at >= GIVEN_UP_AFTER:
        return None
    pause = min(FIRST_PAUSE * 2.0 ** min(tries - 1, 20), LONGEST_PAUSE)
    return now + pause * (1 + jitter / 2)
