from datetime import timedelta

from contracts.commands import PauseRun, ResumeRun
from contracts.rejections import Code
from tests.unit.run_engine.story import ALICE, trial

PAUSE, RESUME = PauseRun(caller=ALICE, signal_id="p"), ResumeRun(caller=ALICE, signal_id="r")


def test_moves_timers_and_due_dates_by_the_pause() -> None:
    story = trial({"timeout_minutes": 60}, sla_hours=4)
    timer, due, run_due = story.state.timers[0], story.step(1).due_at, story.state.due_at
    story.when(PAUSE).after(minutes=90).when(RESUME).then("RunResumed")
    by = timedelta(minutes=90)
    assert due is not None and run_due is not None
    assert (story.state.timers[0].due_at, story.step(1).due_at, story.state.due_at) == (
        timer.due_at + by, due + by, run_due + by,
    )  # fmt: skip


def test_the_pause_is_no_work() -> None:
    story = trial({}).after(minutes=10).when(PAUSE).after(minutes=60).when(RESUME).after(minutes=5).completes(1)
    assert story.event("StepCompleted").duration_minutes == 15 == story.event("RunCompleted").duration_minutes


def test_a_blocked_run_is_blocked_again() -> None:
    waits = {"conditions": {"pre": [{"field": "x", "operator": "exists"}]}}
    story = trial(waits).when(PAUSE).when(RESUME).then("RunResumed", "RunBlocked")
    assert story.statuses() == ["blocked"]


def test_refuses_a_run_that_is_not_paused() -> None:
    trial({}).when(RESUME).refused(Code.INVALID_STATE, "Expected to resume run_1, but it is active")
