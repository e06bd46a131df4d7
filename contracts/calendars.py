"""Business calendars: when an organisation works, so that its hours can be counted."""

from datetime import date
from typing import ClassVar

from contracts.values import Contract

DEFAULT = "default"
"""The calendar of this name holds wherever none is named."""
AROUND_THE_CLOCK = "24x7"
"""Names no document: every hour counts."""

Opening = tuple[int, int]
"""From and to, in minutes after midnight by the clock on the wall; 0 to 1440."""
Hours = tuple[Opening, ...]
"""Of one day, in order, without overlap; none: closed."""


class CalendarUse(Contract):
    """Which calendar, in which revision, dates were reckoned with."""

    name: str
    revision: int


class BusinessCalendar(Contract):
    """A calendar worked out to the day: a day's hours are those of its date, else those of its weekday."""

    VERSION: ClassVar[int] = 1
    name: str
    revision: int
    time_zone: str
    """An IANA name, such as Europe/Berlin."""
    week: tuple[Hours, Hours, Hours, Hours, Hours, Hours, Hours]
    """Monday first."""
    days: dict[date, Hours]
    """Dates that are not like their weekday: holidays, and exceptions with hours of their own."""

    @property
    def use(self) -> CalendarUse:
        return CalendarUse(name=self.name, revision=self.revision)
