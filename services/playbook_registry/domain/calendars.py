"""Calendars: what is wrong with one, and the public holidays that it means."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from difflib import get_close_matches
from functools import cache, partial
from itertools import pairwise
from zoneinfo import available_timezones

import holidays

from contracts.calendars import AROUND_THE_CLOCK, Calendar, Holiday, Holidays
from services.playbook_registry.domain.faults import Fault
from services.playbook_registry.domain.faults import invalid as invalid_in

MAX_CALENDARS = 100
YEARS_AHEAD = 10
NAMES = "A calendar's name has 1 to 64 small letters, digits, - and _; 24x7 is none, it stands for every hour"
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
invalid = partial(invalid_in, message="Calendar validation failed")


def is_name(name: str) -> bool:
    return _NAME.fullmatch(name) is not None and name != AROUND_THE_CLOCK


def faults(calendar: Calendar, others: Mapping[str, object], name: str) -> Iterator[Fault]:
    if name not in others and len(others) >= MAX_CALENDARS:
        yield invalid("calendar", name, f"An organization has {MAX_CALENDARS} calendars at most")
    yield from _zone(calendar.time_zone)
    yield from _hours(calendar)
    yield from _country(calendar.holidays)
    dates = [day.date for day in calendar.exceptions]
    for index, day in enumerate(dates):
        if day in dates[:index]:
            yield invalid(f"document.exceptions[{index}].date", day.isoformat(), "Another exception has this date")


def _zone(name: str) -> Iterator[Fault]:
    if name not in _zones():
        meant = get_close_matches(name[:100], _zones(), n=1) or ["Europe/Berlin"]
        reason = f"It must be a time zone of the IANA database, such as {meant[0]}"
        yield invalid("document.time_zone", name, reason)


@cache
def _zones() -> frozenset[str]:
    """Without the names under which systems keep a zone of their own, another one on each."""
    return frozenset(available_timezones() - {"localtime", "Factory"})


def _hours(calendar: Calendar) -> Iterator[Fault]:
    for day, ranges in calendar.hours.items():
        yield from _overlaps(ranges, f"document.hours.{day}")
    for index, exception in enumerate(calendar.exceptions):
        yield from _overlaps(exception.hours, f"document.exceptions[{index}].hours")
    if not any(calendar.hours.values()):
        yield invalid("document.hours", {}, "One weekday must be open at least, or nothing would ever be due")


def _overlaps(ranges: Sequence[str], path: str) -> Iterator[Fault]:
    for index, (before, after) in enumerate(pairwise(ranges), 1):
        if after[:5] < before[6:]:
            yield invalid(f"{path}[{index}]", after, f"It begins before {before} has ended")


def _country(asked: Holidays) -> Iterator[Fault]:
    if asked.country is None:
        if asked.subdivision is not None:
            yield invalid("document.holidays.country", None, "A subdivision is one of a country")
        return
    known = _countries()
    if asked.country not in known:
        meant = asked.country.upper() if asked.country.upper() in known else "DE"
        reason = f"It must be the ISO 3166-1 code, of two letters, of a country with known holidays, such as {meant}"
        yield invalid("document.holidays.country", asked.country, reason)
    elif asked.subdivision is not None and asked.subdivision not in known[asked.country]:
        reason = (
            f"{asked.country} has {', '.join(known[asked.country]) or 'no subdivisions with holidays of their own'}"
        )
        yield invalid("document.holidays.subdivision", asked.subdivision, reason)


@cache
def _countries() -> Mapping[str, Sequence[str]]:
    """Subdivisions by country."""
    return holidays.list_supported_countries(include_aliases=False)


def with_public_holidays(calendar: Calendar, today: date) -> Calendar:
    """From last year to ten years ahead."""
    if calendar.holidays.country is None:
        return calendar.model_copy(update={"public_holidays": (), "public_holidays_until": None})
    years = range(today.year - 1, today.year + YEARS_AHEAD + 1)
    found = holidays.country_holidays(calendar.holidays.country, calendar.holidays.subdivision, years)
    until = date(years[-1], 12, 31)
    return calendar.model_copy(update={"public_holidays": _holidays(found.items()), "public_holidays_until": until})


def is_behind(calendar: Calendar, today: date) -> bool:
    """Whether a year has begun since its public holidays were worked out."""
    until = calendar.public_holidays_until
    ahead = date(today.year + YEARS_AHEAD, 12, 31)
    return calendar.holidays.country is not None and (until is None or until < ahead)


def _holidays(found: Iterable[tuple[date, str]]) -> tuple[Holiday, ...]:
    return tuple(Holiday(date=day, name=name[:200]) for day, name in sorted(found))
