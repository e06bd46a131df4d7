"""When a delivery is tried again."""

from datetime import UTC, datetime, timedelta

from services.notifier.domain.retries import FOR_A_DAY

CREATED = datetime(2024, 1, 15, 11, tzinfo=UTC)


def test_the_pause_doubles_up_to_an_hour() -> None:
    pauses = [(FOR_A_DAY.next_try(CREATED, tries, CREATED, 0) or CREATED) - CREATED for tries in range(1, 20)]
    assert pauses[:3] == [timedelta(seconds=5), timedelta(seconds=10), timedelta(seconds=20)]
    assert pauses[-1] == timedelta(hours=1)
    assert FOR_A_DAY.next_try(CREATED, 10_000, CREATED, 0) == CREATED + timedelta(hours=1)


def test_jitter_adds_up_to_half() -> None:
    assert FOR_A_DAY.next_try(CREATED, 1, CREATED, 1) == CREATED + timedelta(seconds=7.5)


def test_an_endpoint_that_asks_for_a_longer_pause_gets_it_up_to_the_longest() -> None:
    def pause(asked: timedelta, tries: int = 1) -> timedelta:
        return (FOR_A_DAY.next_try(CREATED, tries, CREATED, 0, asked) or CREATED) - CREATED

    assert pause(timedelta(minutes=2)) == timedelta(minutes=2)
    assert pause(timedelta(days=3)) == timedelta(hours=1)
    assert pause(timedelta(seconds=1)) == timedelta(seconds=5)
    assert pause(timedelta(minutes=2), tries=10) == timedelta(seconds=2560)


def test_it_is_given_up_after_a_day() -> None:
    assert FOR_A_DAY.next_try(CREATED, 30, CREATED + timedelta(days=1), 0) is None
