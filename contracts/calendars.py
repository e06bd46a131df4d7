"""Business calendars: when an organisation works, so that its hours can be counted."""

import re
from datetime import date
from typing import Annotated, ClassVar, Literal, get_args

from pydantic import AfterValidator, Field, StringConstraints

from contracts.values import Contract

KIND = "calendar"
DEFAULT = "default"
"""The calendar of this name holds wherever none is named."""
AROUND_THE_CLOCK = "24x7"
"""Names no document: every hour counts."""
MAX_RANGES = 12
MAX_DATES = 500
_RANGE = re.compile(r"(?:[01]\d|2[0-3]):[0-5]\d-(?:(?:[01]\d|2[0-3]):[0-5]\d|24:00)")


def _range(text: str) -> str:
    begin, _, end = text.partition("-")
    if not _RANGE.fullmatch(text) or begin >= end:
        raise ValueError(
            "It is written as 09:00-17:00; over midnight as two, the second one, from 00:00, on the next day"
        )
    return text


Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
WEEKDAYS: tuple[Weekday, ...] = get_args(Weekday)
Label = Annotated[str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True)]
Range = Annotated[str, AfterValidator(_range)]
"""By the clock on the wall: `09:00-17:00`, up to `24:00`."""
Ranges = Annotated[tuple[Range, ...], Field(max_length=MAX_RANGES)]
"""Of one day, in order, without overlap; none: closed."""


class CalendarUse(Contract):
    """Which calendar, in which revision, dates were reckoned with."""

    name: str
    revision: int


class Holiday(Contract):
    date: date
    name: Label


SomeHolidays = Annotated[tuple[Holiday, ...], Field(max_length=MAX_DATES)]


class Holidays(Contract):
    """Closed days: a country's public ones, and the organisation's own."""

    country: Label | None = None
    """ISO 3166-1, such as DE."""
    subdivision: Label | None = None
    """As ISO 3166-2 has it behind the country: BY."""
    dates: SomeHolidays = ()


class ExceptionalDay(Contract):
    """A date with hours of its own, whatever its weekday, holiday or not."""

    date: date
    name: Label | None = None
    hours: Ranges


class Calendar(Contract):
    """A calendar as an organisation puts it."""

    VERSION: ClassVar[int] = 1
    title: Label | None = None
    time_zone: Label
    """An IANA name, such as Europe/Berlin."""
    hours: dict[Weekday, Ranges]
    """A weekday that is not there is closed."""
    holidays: Holidays = Holidays()
    exceptions: Annotated[tuple[ExceptionalDay, ...], Field(max_length=MAX_DATES)] = ()
    public_holidays: Annotated[tuple[Holiday, ...], Field(max_length=10_000)] = ()
    """Those of `holidays.country`, worked out when it is put; what is sent here is not looked at."""
    public_holidays_until: date | None = None


class NamedCalendar(Calendar):
    """A calendar that is in force."""

    name: str
    revision: int
