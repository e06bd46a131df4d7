"""An organisation's calendar, worked out to the day."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from contracts.calendars import WEEKDAYS, CalendarUse, NamedCalendar
from services.run_engine.domain.identity import Same

Hours = tuple[tuple[int, int], ...]
"""Of one day, in order: from and to, in minutes after midnight by the clock on the wall. None: closed."""


@dataclass(frozen=True, eq=False)
class BusinessCalendar:
    """A day's hours are those of its date, else those of its weekday."""

    use: CalendarUse
    time_zone: str
    week: tuple[Hours, ...]
    """Monday first."""
    days: dict[date, Hours]


def business_calendar(calendar: NamedCalendar) -> BusinessCalendar:
    """The same object for the same one: what is known of its days is kept with it."""
    return _worked_out(Same(calendar))


@lru_cache(maxsize=1024)
def _worked_out(key: Same[NamedCalendar]) -> BusinessCalendar:
    calendar = key.value
    closed = (*calendar.public_holidays, *calendar.holidays.dates)
    return BusinessCalendar(
        use=CalendarUse(name=calendar.name, revision=calendar.revision),
        time_zone=calendar.time_zone,
        week=tuple(_minutes(calendar.hours.get(day, ())) for day in WEEKDAYS),
        days={holiday.date: () for holiday in closed} | {day.date: _minutes(day.hours) for day in calendar.exceptions},
    )


def _minutes(ranges: Iterable[str]) -> Hours:
    return tuple((_minute(begin), _minute(end)) for begin, _, end in (text.partition("-") for text in ranges))


def _minute(text: str) -> int:
    hours, _, minutes = text.partition(":")
    return int(hours) * 60 + int(minutes)
