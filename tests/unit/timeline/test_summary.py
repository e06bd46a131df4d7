"""Where the run stands after its events."""

import pytest

from contracts import events
from contracts.events import RUN_EVENTS, Event
from services.timeline.domain.summary import STATUS_AFTER, current_status, summary
from tests.unit.timeline.events import envelope, sample


@pytest.mark.parametrize(
    ("kinds", "status"),
    [
        ([events.RunCreated], "active"),
        ([events.RunCreated, events.RunPaused], "paused"),
        ([events.RunCreated, events.RunPaused, events.DataUpdated], "paused"),
        ([events.RunCreated, events.RunPaused, events.RunResumed], "active"),
        ([events.RunCreated, events.RunBlocked], "blocked"),
        ([events.RunCreated, events.RunBlocked, events.RunUnblocked], "active"),
        ([events.RunCreated, events.RunFailed], "failed"),
        ([events.RunCreated, events.RunFailed, events.RunReopened], "active"),
        ([events.RunCreated, events.RunCompleted, events.NotificationSent], "completed"),
        ([events.RunCreated, events.RunCancelled, events.LateResultRecorded], "cancelled"),
        ([events.StepStarted], None),
    ],
)
def test_the_last_event_that_changes_the_status_says_it(kinds: list[type[Event]], status: str | None) -> None:
    assert current_status([envelope(sample(kind), n) for n, kind in enumerate(kinds, 1)]) == status


def test_every_event_of_a_run_itself_says_a_status_but_that_it_is_overdue() -> None:
    of_runs = {kind.__name__ for kind in RUN_EVENTS if kind.__name__.startswith("Run")}
    assert set(STATUS_AFTER) == of_runs - {"RunOverdue"}


def test_nothing_is_shown_of_nothing() -> None:
    assert summary([], [])["time_elapsed_minutes"] == 0
