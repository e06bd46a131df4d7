from datetime import timedelta

from contracts.commands import CancelRun, PauseRun, ResumeRun, RetryStep, SkipStep
from contracts.rejections import Code
from tests.unit.run_engine.story import ADMIN, ALICE, NOON, trial

PAUSE = PauseRun(caller=ALICE, signal_id="s")
AUTOMATED = {"step_type": "automated", "automation_config": {"retry_attempts": 1}}


def test_pauses_what_is_open_and_leaves_the_rest() -> None:
    story = trial({}, {}).when(PAUSE).then("RunPaused")
    assert (story.state.status, story.statuses(), story.step(1).was_status) == (
        "paused", ["paused", "pending"], "in_progress",
    )  # fmt: skip


def test_stops_the_timers() -> None:
    story = trial({"timeout_minutes": 60}).when(PAUSE)
    assert not story.state.timers and len(story.state.stopped_timers) == 1
    story.after(hours=2).fires("overdue:step_001:1").refused(Code.INVALID_STATE, "no longer set")


def test_sets_a_timer_for_the_moment_it_names() -> None:
    story = trial({}).when(PauseRun(caller=ALICE, signal_id="s", pause_until=NOON + timedelta(days=2)))
    story.fires("resume:2").then("RunResumed")
    assert (story.state.status, story.event("RunResumed").actor.id) == ("active", "system")


def test_refuses_a_moment_that_has_passed() -> None:
    past = PauseRun(caller=ALICE, signal_id="s", pause_until=NOON)
    assert trial({}).when(past).refused(Code.VALIDATION_ERROR).details["field"] == "signal.pause_until"


def test_refuses_to_pause_twice_or_after_the_end() -> None:
    trial({}).when(PAUSE).when(PAUSE).refused(Code.INVALID_STATE, "but it is paused")
    trial({}).completes(1).when(PAUSE).refused(Code.INVALID_STATE, "but it is completed")


def test_takes_the_answer_of_a_job_in_flight_and_starts_nothing() -> None:
    story = trial(AUTOMATED, {}).when(PAUSE).answers(1).then("StepCompleted")
    assert story.statuses() == ["completed", "pending"]
    story.when(ResumeRun(caller=ALICE, signal_id="s")).then("RunResumed", "StepStarted")


def test_starts_no_further_try_while_paused() -> None:
    story = trial(AUTOMATED).when(PAUSE).after(minutes=10).answers(1, "failure", retryable=True)
    story.then("AutomationAttemptFailed").after(minutes=10).fires("retry:step_001:1:1").refused(Code.INVALID_STATE)
    story.when(ResumeRun(caller=ALICE, signal_id="s")).then("RunResumed")
    assert story.now < story.state.timers[0].due_at < story.now + timedelta(seconds=4)
    story.fires("retry:step_001:1:1").then("AutomationRequested")


def test_a_failure_for_good_while_paused_fails_the_run_at_resume() -> None:
    story = trial(AUTOMATED).when(PAUSE).answers(1, "failure").then("AutomationAttemptFailed", "StepFailed")
    assert story.state.status == "paused"
    story.when(ResumeRun(caller=ALICE, signal_id="s")).then("RunResumed", "RunFailed")


def test_a_paused_run_can_be_cancelled_but_not_worked_on() -> None:
    story = trial({}, {}).when(PAUSE)
    story.when(SkipStep(caller=ADMIN, signal_id="s", reason="r")).refused(Code.INVALID_STATE)
    story.when(RetryStep(caller=ADMIN, signal_id="s")).refused(Code.INVALID_STATE)
    story.when(CancelRun(caller=ADMIN, signal_id="s")).then("RunCancelled")
