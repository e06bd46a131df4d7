"""The one place that reads the clock."""

from datetime import UTC, datetime


def now() -> datetime:
    """The time now, UTC, cut to milliseconds (what MongoDB keeps)."""
    moment = datetime.now(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)
