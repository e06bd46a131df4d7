"""Reckoning with business time: that part of time in which an organisation works, or all of it without a calendar.

An hour is open where the clock on the wall, in the calendar's zone, shows one of the day's hours. So an hour that is
left out in spring is no business time, one that comes twice in autumn counts twice, and what lies between two moments
is always elapsed time.
"""

from bisect import bisect_left
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from services.run_engine.domain.calendars import BusinessCalendar

Calendar = BusinessCalendar | None
"""None: around the clock."""
Span = tuple[datetime, datetime]
_FARTHEST = 3660
"""Days: nothing is reckoned further than ten years ahead or back."""
_DAY = timedelta(days=1)
_NOTHING = timedelta()


def later(calendar: Calendar, start: datetime, amount: timedelta) -> datetime:
    """When `amount` of business time has gone by since `start`; the next opening, where it is nothing."""
    if calendar is None:
        return start + amount
    left = amount
    for opens, closes in _forwards(calendar, start):
        if left <= closes - opens:
            return opens + left
        left -= closes - opens
    return start + _DAY * _FARTHEST


def earlier(calendar: Calendar, end: datetime, amount: timedelta) -> datetime:
    """From when on `amount` of business time goes by until `end`; the last closing, where it is nothing."""
    if calendar is None:
        return end - amount
    left = amount
    for opens, closes in _backwards(calendar, end):
        if left <= closes - opens:
            return closes - left
        left -= closes - opens
    return end - _DAY * _FARTHEST


def between(calendar: Calendar, start: datetime, end: datetime) -> timedelta:
    """How much business time goes by from `start` to `end`; nothing, where that is not after it."""
    if calendar is None:
        return max(_NOTHING, end - start)
    passed = _NOTHING
    for opens, closes in _forwards(calendar, start):
        if opens >= end:
            break
        passed += min(closes, end) - opens
    return passed


def moved(calendar: Calendar, due: datetime, since: datetime, now: datetime) -> datetime:
    """Where `due` lies after a standstill from `since` to `now`: the business time that was left counts on from now,
    and what was overdue by then is overdue by as much."""
    if calendar is None:
        return due + (now - since)
    if due < since:
        return earlier(calendar, now, between(calendar, due, since))
    return later(calendar, now, between(calendar, since, due))


def _forwards(calendar: BusinessCalendar, start: datetime) -> Iterator[Span]:
    """What is open from `start` on."""
    first = start.astimezone(ZoneInfo(calendar.time_zone)).date()
    for number in range(_FARTHEST):
        for opens, closes in _open(calendar, first + _DAY * number):
            if closes > start:
                yield max(opens, start), closes


def _backwards(calendar: BusinessCalendar, end: datetime) -> Iterator[Span]:
    """What is open until `end`, the last first."""
    last = end.astimezone(ZoneInfo(calendar.time_zone)).date()
    for number in range(_FARTHEST):
        for opens, closes in reversed(_open(calendar, last - _DAY * number)):
            if opens < end:
                yield opens, min(closes, end)


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
