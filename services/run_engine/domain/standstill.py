"""What a pause and its end mean for the state."""

from datetime import timedelta

from contracts.events import NewDates, RunPaused, RunResumed, StepDates
from services.run_engine.domain import stepping
from services.run_engine.domain.copying import changed
from services.run_engine.domain.state import RunState


def paused(state: RunState, event: RunPaused) -> RunState:
    stopped = {i: changed(state.steps[i], status="paused", was_status=state.steps[i].status) for i in event.steps}
    return changed(
        state, sequence=state.sequence + 1, updated_at=event.at, status="paused", paused_at=event.at,
        pause_until=event.pause_until, steps={**state.steps, **stopped}, timers=tuple(event.timers),
        stopped_timers=state.timers,
    )  # fmt: skip


def resumed(state: RunState, event: RunResumed) -> RunState:
    dates = event.dates or _moved(state, event)
    going_on = {i: stepping.moved_on(state.steps[i], event, dates.steps[i]) for i in event.steps}
    return changed(
        state, sequence=state.sequence + 1, updated_at=event.at, status="active", paused_at=None, pause_until=None,
        paused_seconds=state.paused_seconds + event.paused_seconds,
        due_at=dates.due_at, calendar=dates.calendar, steps={**state.steps, **going_on}, timers=tuple(dates.timers),
        stopped_timers=(),
    )  # fmt: skip


def _moved(state: RunState, event: RunResumed) -> NewDates:
    """For events that are older than calendars."""
    by = timedelta(seconds=event.paused_seconds)
    due = {i: state.steps[i].due_at for i in event.steps}
    return NewDates(
        due_at=state.due_at + by if state.due_at is not None else None,
        steps={i: StepDates(due_at=moment + by if moment is not None else None) for i, moment in due.items()},
        timers=[timer.model_copy(update={"due_at": timer.due_at + by}) for timer in state.stopped_timers],
    )
