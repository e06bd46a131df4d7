"""When a delivery is tried again."""

from datetime import UTC, datetime, timedelta

from services.notifier.domain.retries import FIRST_PAUSE, LONGEST_PAUSE, next_try

CREATED = datetime(2024, 1, 15, 11, tzinfo=UTC)


def test_the_pause_doubles_up_to_an_hour() -> None:
    pauses = [(next_try(CREATED, tries, CREATED, 0) or CREATED) - CREATED for tries in range(1, 20)]
    assert pauses[:3] == [FIRST_PAUSE, 2 * FIRST_PAUSE, 4 * FIRST_PAUSE]
    assert pauses[-1] == LONGEST_PAUSE
    assert next_try(CREATED, 10_000, CREATED, 0) == CREATED + LONGEST_PAUSE


def test_jitter_adds_up_to_half() -> None:
    assert next_try(CREATED, 1, CREATED, 1) == CREATED + FIRST_PAUSE * 1.5


def test_it_is_given_up_after_a_day() -> None:
    assert next_try(CREATED, 30, CREATED + timedelta(days=1), 0) is None
