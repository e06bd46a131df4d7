"""Which orders the automation service gets: nothing begins for a run that stands still, or that has no use for it."""

from datetime import timedelta
from typing import Any

import orjson
import pytest

from contracts.commands import (
    CancelRun,
    Command,
    FireTimer,
    PauseRun,
    RecordAutomationResult,
    ResumeRun,
    RetryStep,
    SkipStep,
)  # fmt: skip
from contracts.jobs import JobsOrder
from contracts.rejections import Code
from contracts.values import SYSTEM_CALLER
from services.run_engine.domain.in_flight import orders
from tests.unit.run_engine.story import ADMIN, NOON, Story, trial
from tests.unit.run_engine.test_execution_limits import Loop, completion

CALL = {"step_type": "automated", "automation_config": {"api_endpoint": "/call", "timeout_seconds": 10}}
SIDE_BY_SIDE = {**CALL, "parallel_allowed": True}
PAUSE, RESUME = PauseRun(caller=ADMIN, signal_id="p"), ResumeRun(caller=ADMIN, signal_id="r")
CANCEL = CancelRun(caller=ADMIN, signal_id="c")
FIRST, SECOND = "run_1:step_001:1:1", "run_1:step_002:1:1"


def ordered(story: Story, command: Command) -> list[tuple[str, list[str]]]:
    """What the command leads to."""
    before = story.state
    story.when(command)
    answered = command.job_id if isinstance(command, RecordAutomationResult) else None
    return [(order.order, order.job_ids) for order in orders(before, story.state, answered)]


def result(number: int, outcome: str, **more: Any) -> RecordAutomationResult:
    told = {"caller": SYSTEM_CALLER, "step_id": f"step_{number:03}", "job_id": f"run_1:step_{number:03}:1:1"}
    return RecordAutomationResult.model_validate({**told, "outcome": outcome, **more})


def test_a_pause_holds_what_is_in_flight_and_its_end_releases_it() -> None:
    story = trial(SIDE_BY_SIDE, SIDE_BY_SIDE)
    assert ordered(story, PAUSE) == [("hold", [FIRST, SECOND])]
    assert ordered(story, RESUME) == [("release", [FIRST, SECOND])]


def test_a_pause_that_ends_by_itself_releases_as_well() -> None:
    story = trial(CALL)
    story.when(PAUSE.model_copy(update={"pause_until": NOON + timedelta(hours=1)}))
    timer_id = story.state.timers[0].timer_id
    story.after(hours=1)
    assert ordered(story, FireTimer(caller=SYSTEM_CALLER, timer_id=timer_id)) == [("release", [FIRST])]


def test_a_run_without_an_attempt_in_flight_costs_no_message() -> None:
    story = trial({}, CALL)
    assert [ordered(story, command) for command in (PAUSE, RESUME, CANCEL)] == [[], [], []]


def test_a_step_that_waits_for_its_next_try_has_nothing_in_flight() -> None:
    story = trial(CALL).answers(1, "failure", retryable=True)
    assert [ordered(story, command) for command in (PAUSE, RESUME, CANCEL)] == [[], [], []]


@pytest.mark.parametrize("paused", [False, True])
def test_a_cancelled_run_withdraws_its_jobs(paused: bool) -> None:
    story = trial(CALL)
    if paused:
        story.when(PAUSE)
    assert ordered(story, CANCEL) == [("withdraw", [FIRST])]


def test_a_job_that_is_answered_needs_no_withdrawal() -> None:
    assert ordered(trial(CALL, {}), result(1, "success")) == []
    assert ordered(trial(CALL, {}), result(1, "failure", retryable=True)) == []


def test_an_attempt_that_the_engine_gives_up_is_withdrawn() -> None:
    story = trial(CALL).after(minutes=20)
    timer = next(timer for timer in story.state.timers if timer.kind == "automation_timeout")
    assert ordered(story, FireTimer(caller=SYSTEM_CALLER, timer_id=timer.timer_id)) == [("withdraw", [FIRST])]


def test_a_failure_withdraws_the_jobs_beside_it() -> None:
    story = trial(SIDE_BY_SIDE, SIDE_BY_SIDE)
    assert ordered(story, result(1, "failure")) == [("withdraw", [SECOND])]
    story.then("AutomationAttemptFailed", "StepFailed", "StepCancelled", "RunFailed")


def test_a_failure_within_a_pause_withdraws_the_others_once_it_counts() -> None:
    story = trial(SIDE_BY_SIDE, SIDE_BY_SIDE).when(PAUSE)
    assert ordered(story, result(1, "failure")) == []
    assert ordered(story, RESUME) == [("withdraw", [SECOND])]


def test_a_skipped_step_and_one_done_by_somebody_are_withdrawn() -> None:
    skip = SkipStep(caller=ADMIN, signal_id="s", step_id="step_001", reason="by hand")
    assert ordered(trial(CALL, {}), skip) == [("withdraw", [FIRST])]
    assert ordered(trial(CALL, {}), completion(1).model_copy(update={"caller": ADMIN})) == [("withdraw", [FIRST])]


def test_work_that_is_returned_withdraws_what_had_begun_after_it() -> None:
    options = {"metadata": {"approval_options": [{"action": "back", "return_to_step": 1}]}}
    story = trial({}, {"step_type": "approval", "parallel_allowed": True} | options, SIDE_BY_SIDE).completes(1)
    assert ordered(story, completion(2, outcome="back")) == [("withdraw", ["run_1:step_003:1:1"])]


def test_a_fresh_attempt_is_another_job_and_no_order() -> None:
    story = trial(CALL).answers(1, "failure")
    assert ordered(story, RetryStep(caller=ADMIN, signal_id="r", step_id="step_001")) == []
    assert story.step(1).job_id == "run_1:step_001:2:1"


def test_a_try_whose_pause_is_over_waits_for_the_end_of_the_runs_pause() -> None:
    """Its backoff stands still with the run: what was left of it counts on from the resume."""
    story = trial(CALL).answers(1, "failure", retryable=True).after(seconds=1).when(PAUSE)
    (retry,) = [timer for timer in story.state.stopped_timers if timer.kind == "automation_retry"]
    story.after(days=3).fires(retry.timer_id).refused(Code.INVALID_STATE)
    story.when(RESUME)
    (moved,) = [timer for timer in story.state.timers if timer.kind == "automation_retry"]
    assert moved.due_at - story.now == retry.due_at - (NOON + timedelta(seconds=1))
    story.fires(retry.timer_id).then("AutomationRequested")


def test_the_guard_over_an_attempt_stands_still_in_a_pause() -> None:
    story = trial(CALL)
    (guard,) = story.state.timers
    story.after(seconds=5).when(PAUSE).after(days=1).when(RESUME)
    (moved,) = story.state.timers
    assert (moved.kind, moved.due_at) == ("automation_timeout", guard.due_at + timedelta(days=1))


def test_an_order_goes_to_the_topic_of_the_jobs_under_their_key_and_is_remembered() -> None:
    loop = Loop(CALL)
    (told,) = [m for m in loop.takes(PAUSE).messages if m.topic == "automation.jobs"]
    envelope = orjson.loads(told.value)
    assert (told.key, told.type, envelope["id"]) == ("run_1", "JobsOrder", "run_1:4:hold")
    assert JobsOrder.model_validate(envelope["data"]).job_ids == [FIRST]
    assert loop.run is not None and told in loop.run.journal.entries[-1].messages


def test_the_answer_of_a_machine_brings_no_order_to_itself() -> None:
    loop = Loop(CALL)
    assert [m.type for m in loop.takes(result(1, "success")).messages] == ["StepCompleted", "RunCompleted"]


def test_no_machine_begins_for_a_run_that_failed_in_the_same_breath() -> None:
    never = {
        "conditions": {"pre": [{"field": "x", "operator": "exists"}], "on_unmet": "fail"},
        "parallel_allowed": True,
    }
    taken = Loop(SIDE_BY_SIDE, never).first
    kinds = [message.type for message in taken.messages]
    assert taken.run is not None
    assert taken.run.state.status == "failed"
    assert "AutomationRequested" in kinds
    assert "AutomationJob" not in kinds
