"""Business time against a plain count of minutes by the clock on the wall, over zones that change their clocks."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.calendars import CalendarUse
from services.run_engine.domain import business_time
from services.run_engine.domain.business_time import between, earlier, later, moved
from services.run_engine.domain.calendars import BusinessCalendar, Hours

ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "America/St_Johns", "Africa/Cairo")
OFFICE: Hours = ((9 * 60, 12 * 60), (13 * 60, 17 * 60))
ALL_DAY: Hours = ((0, 1440),)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def calendar(
    zone: str = "Europe/Berlin", on: Hours = OFFICE, days: dict[date, Hours] | None = None, weekend: Hours = ()
) -> BusinessCalendar:
    week = (on, on, on, on, on, weekend, weekend)
    return BusinessCalendar(use=CalendarUse(name="default", revision=1), time_zone=zone, week=week, days=days or {})


def at(text: str, zone: str = "Europe/Berlin") -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def is_open(of: BusinessCalendar, moment: datetime) -> bool:
    """Whether the clock on the wall shows business hours."""
    wall = moment.astimezone(ZoneInfo(of.time_zone))
    hours = of.days.get(wall.date(), of.week[wall.weekday()])
    return any(opens <= wall.hour * 60 + wall.minute < closes for opens, closes in hours)


# The days around which the zones change their clocks, in 2024; India's never.
CHANGES = [
    datetime(2024, month, day, tzinfo=UTC)
    for month, day in ((3, 9), (3, 30), (4, 5), (4, 25), (10, 4), (10, 26), (10, 31), (11, 2))
]
moments = st.builds(
    lambda around, minutes: around + MINUTE * minutes, st.sampled_from(CHANGES), st.integers(0, 4 * 1440)
)
amounts = st.integers(1, 3000).map(lambda minutes: MINUTE * minutes)
openings = st.lists(st.integers(0, 48), min_size=2, max_size=6, unique=True).map(
    lambda halves: tuple((a * 30, b * 30) for a, b in zip(sorted(halves)[::2], sorted(halves)[1::2], strict=False))
)


@st.composite
def calendars(draw: st.DrawFn) -> BusinessCalendar:
    """One day of the week is open at least; some of the dates around the changes have hours of their own."""
    week = (draw(openings), *(draw(st.one_of(openings, st.just(()), st.just(ALL_DAY))) for _ in range(6)))
    near = st.builds(
        lambda around, days: (around + timedelta(days=days)).date(), st.sampled_from(CHANGES), st.integers(0, 4)
    )
    days = draw(st.dictionaries(near, st.one_of(openings, st.just(())), max_size=3))
    return BusinessCalendar(
        use=CalendarUse(name="default", revision=1), time_zone=draw(st.sampled_from(ZONES)), week=week, days=days
    )


@settings(max_examples=150)
@given(calendars(), moments, st.integers(0, 3 * 1440))
def test_business_time_is_what_the_clock_on_the_wall_shows_as_open(
    of: BusinessCalendar, start: datetime, minutes: int
) -> None:
    counted = sum(is_open(of, start + MINUTE * minute) for minute in range(minutes))
    assert between(of, start, start + MINUTE * minutes) == MINUTE * counted


@given(calendars(), moments, amounts)
def test_what_is_added_has_gone_by(of: BusinessCalendar, start: datetime, amount: timedelta) -> None:
    assert between(of, start, later(of, start, amount)) == amount


@given(calendars(), moments, amounts)
def test_a_due_date_lies_in_business_hours_or_at_their_end(
    of: BusinessCalendar, start: datetime, amount: timedelta
) -> None:
    due = later(of, start, amount)
    assert due > start and is_open(of, due - MINUTE)


@settings(max_examples=60)
@given(calendars(), moments, st.integers(0, 1200), st.integers(1, 1440))
def test_years_at_once_come_to_what_their_days_do(
    of: BusinessCalendar, start: datetime, days: int, minutes: int
) -> None:
    """A week holds no whole month, so that its days are counted one by one."""
    end = start + timedelta(days=days, minutes=minutes)
    weeks = [start + timedelta(days=7 * n) for n in range(days // 7 + 1)]
    counted = sum((between(of, a, b) for a, b in pairwise([*weeks, end])), timedelta())
    assert between(of, start, end) == counted
    if counted:
        due, begun = later(of, start, counted), earlier(of, end, counted)
        assert due <= end and not between(of, due, end) and is_open(of, due - MINUTE)
        assert begun >= start and not between(of, start, begun) and is_open(of, begun)


def test_a_date_ten_years_off_is_found_without_a_look_at_each_day() -> None:
    of, start = calendar(on=((540, 541),)), at("2024-01-15T12:00")
    ten_years = MINUTE * 2500
    due = later(of, start, ten_years)
    assert due.year == 2033 and earlier(of, due, ten_years) > start
    before = business_time._open.cache_info()
    assert between(of, start, due) == ten_years == between(of, earlier(of, due, ten_years), due)
    assert later(of, start, ten_years) == due
    after = business_time._open.cache_info()
    assert after.hits - before.hits < 4 * 70 and after.misses == before.misses


@given(calendars(), moments, amounts, amounts)
def test_adding_twice_is_adding_both(of: BusinessCalendar, start: datetime, a: timedelta, b: timedelta) -> None:
    assert later(of, later(of, start, a), b) == later(of, start, a + b)


@given(calendars(), moments, moments, amounts, amounts)
def test_who_starts_later_or_has_more_to_do_is_never_due_earlier(
    of: BusinessCalendar, one: datetime, other: datetime, a: timedelta, b: timedelta
) -> None:
    first, second = sorted((one, other))
    assert later(of, first, a) <= later(of, second, a)
    assert later(of, first, a) < later(of, first, a + b)


@given(calendars(), moments, amounts)
def test_going_back_is_the_other_way_round(of: BusinessCalendar, end: datetime, amount: timedelta) -> None:
    start = earlier(of, end, amount)
    assert start < end and is_open(of, start)
    assert between(of, start, end) == amount


@given(calendars(), moments, amounts, amounts, amounts)
def test_a_standstill_leaves_what_was_left(
    of: BusinessCalendar, start: datetime, work: timedelta, spent: timedelta, pause: timedelta
) -> None:
    due, since, now = later(of, start, work), start + spent, start + spent + pause
    after = moved(of, due, since, now)
    assert between(of, now, after) - between(of, after, now) == between(of, since, due) - between(of, due, since)


@given(st.sampled_from(ZONES), moments, amounts)
def test_open_all_the_time_is_around_the_clock(zone: str, start: datetime, amount: timedelta) -> None:
    always = calendar(zone, ALL_DAY, weekend=ALL_DAY)
    assert later(always, start, amount) == start + amount == later(None, start, amount)
    assert earlier(always, start, amount) == start - amount == earlier(None, start, amount)


@pytest.mark.parametrize(
    ("day", "hours"),
    [("2024-03-31", 23), ("2024-10-27", 25), ("2024-06-02", 24)],
)
def test_the_days_of_23_and_25_hours_count_as_long_as_they_are(day: str, hours: int) -> None:
    always = calendar("Europe/Berlin", ALL_DAY, weekend=ALL_DAY)
    start = at(f"{day}T00:00")
    end = at(f"{datetime.fromisoformat(day).date() + timedelta(days=1)}T00:00")
    assert between(always, start, end) == HOUR * hours


def test_lord_howe_changes_by_half_an_hour() -> None:
    always = calendar("Australia/Lord_Howe", ALL_DAY, weekend=ALL_DAY)
    spring = at("2024-10-06T00:00", always.time_zone), at("2024-10-07T00:00", always.time_zone)
    assert between(always, *spring) == timedelta(hours=23, minutes=30)


def test_hours_that_do_not_exist_are_not_open_and_those_that_come_twice_are_open_twice() -> None:
    night = calendar("Europe/Berlin", ((120, 180),), weekend=((120, 180),))
    for day, hours in (("2024-03-31", 0), ("2024-10-27", 2), ("2024-06-02", 1)):
        assert between(night, at(f"{day}T00:00"), at(f"{day}T23:00")) == HOUR * hours


def test_counts_on_after_lunch_over_night_and_over_the_weekend() -> None:
    of = calendar()
    assert later(of, at("2024-01-15T11:30"), HOUR) == at("2024-01-15T13:30")
    assert later(of, at("2024-01-15T16:30"), HOUR) == at("2024-01-16T09:30")
    assert later(of, at("2024-01-19T16:30"), HOUR) == at("2024-01-22T09:30")
    assert later(of, at("2024-01-20T03:00"), HOUR * 7) == at("2024-01-22T17:00")


def test_holidays_are_closed_and_exceptions_have_hours_of_their_own() -> None:
    days: dict[date, Hours] = {date(2024, 1, 1): (), date(2024, 1, 6): ((600, 720),)}
    of = calendar(days=days)
    assert later(of, at("2023-12-29T16:00"), HOUR * 2) == at("2024-01-02T10:00")
    assert later(of, at("2024-01-05T16:00"), HOUR * 2) == at("2024-01-06T11:00")


def test_a_pause_over_the_weekend_leaves_the_business_hours_that_were_left() -> None:
    of, due = calendar(), at("2024-01-22T11:00")
    assert moved(of, due, at("2024-01-19T16:00"), at("2024-01-22T10:00")) == at("2024-01-22T14:00")
    assert moved(of, due, at("2024-01-20T10:00"), at("2024-01-21T10:00")) == due


def test_what_was_overdue_when_it_was_paused_is_overdue_by_as_much() -> None:
    of, due = calendar(), at("2024-01-19T16:00")
    assert moved(of, due, at("2024-01-19T17:00"), at("2024-01-23T10:00")) == at("2024-01-23T09:00")
    assert moved(None, due, at("2024-01-19T17:00"), at("2024-01-23T10:00")) == at("2024-01-23T09:00")


def test_a_calendar_that_hardly_ever_opens_comes_to_an_end() -> None:
    never = calendar(on=())
    start = at("2024-01-15T12:00")
    assert later(never, start, HOUR) == start + timedelta(days=3660)
    assert earlier(never, start, HOUR) == start - timedelta(days=3660)
    assert between(never, start, start + timedelta(days=4000)) == timedelta()
