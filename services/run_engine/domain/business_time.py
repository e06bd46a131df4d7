"""Reckoning with business time: that part of time in which an organisation works, or all of it without a calendar.

An hour is open where the clock on the wall, in the calendar's zone, shows one of the day's hours. So an hour that is
left out in spring is no business time, one that comes twice in autumn counts twice, and what lies between two moments
is always elapsed time.
"""

from bisect import bisect_left
from calendar import monthrange
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from services.run_engine.domain.calendars import BusinessCalendar

Calendar = BusinessCalendar | None
"""None: around the clock."""
Span = tuple[datetime, datetime]
_FARTHEST = 3660
"""Days: nothing is reckoned further than ten years ahead or back."""
_DAY = timedelta(days=1)
_DECEMBER = 12
_NOTHING = timedelta()


def later(calendar: Calendar, start: datetime, amount: timedelta) -> datetime:
    """When `amount` of business time has gone by since `start`; the next opening, where it is nothing."""
    if calendar is None:
        return start + amount
    left, day = amount, _date(calendar, start)
    last = day + _DAY * _FARTHEST
    while day < last:
        for opens, closes in _open(calendar, day):
            opens = max(opens, start)
            if opens < closes and left <= closes - opens:
                return opens + left
            left -= max(closes - opens, _NOTHING)
        day, left = _leapt(calendar, day + _DAY, left, lambda day: day < last, _ahead_of)
    return start + _DAY * _FARTHEST


def earlier(calendar: Calendar, end: datetime, amount: timedelta) -> datetime:
    """From when on `amount` of business time goes by until `end`; the last closing, where it is nothing."""
    if calendar is None:
        return end - amount
    left, day = amount, _date(calendar, end)
    first = day - _DAY * _FARTHEST
    while day > first:
        for opens, closes in reversed(_open(calendar, day)):
            closes = min(closes, end)
            if opens < closes and left <= closes - opens:
                return closes - left
            left -= max(closes - opens, _NOTHING)
        day, left = _leapt(calendar, day - _DAY, left, lambda day: day > first, _back_from)
    return end - _DAY * _FARTHEST


def between(calendar: Calendar, start: datetime, end: datetime) -> timedelta:
    """How much business time goes by from `start` to `end`; nothing, where that is not after it."""
    if calendar is None:
        return max(_NOTHING, end - start)
    passed, day = _NOTHING, _date(calendar, start)
    last = min(_date(calendar, end), day + _DAY * _FARTHEST)
    while day <= last:
        for opens, closes in _open(calendar, day):
            passed += max(min(closes, end) - max(opens, start), _NOTHING)
        day += _DAY
        while (stretch := next((s for s in _ahead_of(day) if s.beyond <= last), None)) is not None:
            passed, day = passed + stretch.open(calendar), stretch.beyond
    return passed


def moved(calendar: Calendar, due: datetime, since: datetime, now: datetime) -> datetime:
    """Where `due` lies after a standstill from `since` to `now`: the business time that was left counts on from now,
    and what was overdue by then is overdue by as much."""
    if calendar is None:
        return due + (now - since)
    if due < since:
        return earlier(calendar, now, between(calendar, due, since))
    return later(calendar, now, between(calendar, since, due))


def _date(calendar: BusinessCalendar, moment: datetime) -> date:
    return moment.astimezone(ZoneInfo(calendar.time_zone)).date()


class _Stretch(NamedTuple):
    """A whole year, or a month of it, that is gone over at once: what is ten years off costs little more than a day."""

    year: int
    month: int | None
    beyond: date
    """The day after it, or before it on the way back."""

    def open(self, calendar: BusinessCalendar) -> timedelta:
        return _in_month(calendar, self.year, self.month) if self.month else _in_year(calendar, self.year)


def _ahead_of(day: date) -> Iterator[_Stretch]:
    """Those that begin with the day, the longer one first."""
    if day.day > 1:
        return
    if day.month == 1:
        yield _Stretch(day.year, None, date(day.year + 1, 1, 1))
    yield _Stretch(day.year, day.month, (day + _DAY * 31).replace(day=1))


def _back_from(day: date) -> Iterator[_Stretch]:
    """Those that end with the day."""
    if (day + _DAY).day > 1:
        return
    if day.month == _DECEMBER:
        yield _Stretch(day.year, None, date(day.year - 1, _DECEMBER, 31))
    yield _Stretch(day.year, day.month, day.replace(day=1) - _DAY)


def _leapt(
    calendar: BusinessCalendar,
    day: date,
    left: timedelta,
    goes_on: Callable[[date], bool],
    stretches: Callable[[date], Iterator[_Stretch]],
) -> tuple[date, timedelta]:
    """Beyond the stretches that have less business time than is left, and what is left then."""
    while goes_on(day):
        stretch = next((s for s in stretches(day) if s.open(calendar) < left), None)
        if stretch is None:
            break
        day, left = stretch.beyond, left - stretch.open(calendar)
    return day, left


@lru_cache(maxsize=16384)
def _in_year(calendar: BusinessCalendar, year: int) -> timedelta:
    return sum((_in_month(calendar, year, month) for month in range(1, _DECEMBER + 1)), _NOTHING)


@lru_cache(maxsize=16384)
def _in_month(calendar: BusinessCalendar, year: int, month: int) -> timedelta:
    days = (date(year, month, day + 1) for day in range(monthrange(year, month)[1]))
    return sum((closes - opens for day in days for opens, closes in _open(calendar, day)), _NOTHING)


@lru_cache(maxsize=16384)
def _open(calendar: BusinessCalendar, day: date) -> tuple[Span, ...]:
    """The day's business hours, in UTC."""
    hours = calendar.days.get(day, calendar.week[day.weekday()])
    if not hours:
        return ()
    midnight = datetime.combine(day, time.min, UTC)
    shown = (
        (
            max(since, midnight + timedelta(minutes=opens) - ahead),
            min(until, midnight + timedelta(minutes=closes) - ahead),
        )
        for since, until, ahead in _offsets(ZoneInfo(calendar.time_zone), day)
        for opens, closes in hours
    )
    return tuple(sorted((opens, closes) for opens, closes in shown if opens < closes))


def _offsets(zone: ZoneInfo, day: date) -> Iterator[tuple[datetime, datetime, timedelta]]:
    """The day from its first to its last moment in UTC, in pieces of one offset; two where the clock is changed."""
    start, end = (datetime.combine(date_, time.min, UTC) for date_ in (day, day + _DAY))
    before, after = zone.utcoffset(start.replace(tzinfo=zone)), zone.utcoffset(end.replace(tzinfo=zone, fold=1))
    if before == after and before is not None:
        yield start - before, end - before, before
        return
    yield from _around_a_change(zone, day)


def _around_a_change(zone: ZoneInfo, day: date) -> Iterator[tuple[datetime, datetime, timedelta]]:
    first, last = min(_midnights(zone, day)), max(_midnights(zone, day + _DAY))
    before, after = _ahead(zone, first), _ahead(zone, last - timedelta(seconds=1))
    seconds = range(int((last - first).total_seconds()))
    change = first + timedelta(
        seconds=bisect_left(seconds, True, key=lambda second: _ahead(zone, first + timedelta(seconds=second)) != before)
    )
    yield first, change, before
    yield change, last, after


def _midnights(zone: ZoneInfo, day: date) -> Iterator[datetime]:
    """The day's beginning; where that hour comes twice or not at all, by either reading."""
    for fold in (0, 1):
        yield datetime.combine(day, time.min, zone).replace(fold=fold).astimezone(UTC)


def _ahead(zone: ZoneInfo, moment: datetime) -> timedelta:
    return moment.astimezone(zone).utcoffset() or _NOTHING
