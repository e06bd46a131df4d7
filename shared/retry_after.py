"""How long an endpoint that is called asks to be left alone."""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

LONGEST_SECONDS = 3600.0


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """The Retry-After header in seconds, within an hour: a number of seconds or a date. None without one."""
    value = headers.get("retry-after", "").strip()
    seconds = float(value) if value.isascii() and value.isdigit() else _seconds_until(value, now)
    return None if seconds is None else min(max(seconds, 0.0), LONGEST_SECONDS)


def _seconds_until(value: str, now: datetime) -> float | None:
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    return ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - now).total_seconds()
