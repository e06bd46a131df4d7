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


def test_it_is_given_up_after_a_day() -> None:
    assert FOR_A_DAY.next_try(CREATED, 30, CREATED + timedelta(days=1), 0) is None
