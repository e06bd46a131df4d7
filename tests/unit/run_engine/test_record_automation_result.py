from datetime import timedelta
from typing import Any

import pytest

from contracts.commands import CancelRun
from contracts.policies import FinancialControls, OrganizationPolicies
from contracts.rejections import Code
from tests.unit.run_engine.story import ADMIN, ALICE, Story, somebody, trial


def automated(following: int = 0, **config: Any) -> Story:
    return trial({"step_type": "automated", "automation_config": config}, *[{}] * following)


def test_a_success_completes_the_step_with_its_data() -> None:
    story = automated(1).answers(1, data={"score": 7}, worker="w1").then("StepCompleted", "StepStarted")
    assert (story.state.data, story.step(1).completed_by) == ({"score": 7}, "w1")
    assert story.event("StepCompleted").actor.type == "service"


def test_a_failure_is_tried_again_after_a_wait_that_grows() -> None:
    story, waits = automated(retry_attempts=3), []
    for number in (1, 2, 3):
        story.answers(1, "failure", retryable=True).then("AutomationAttemptFailed")
        waits.append((story.state.timers[0].due_at - story.now).total_seconds())
        story.fires(f"retry:step_001:1:{number}").then("AutomationRequested")
    assert [2**n <= wait <= 1.25 * 2**n for n, wait in enumerate(waits, 1)] == [True] * 3
    story.answers(1, "failure", retryable=True).then("AutomationAttemptFailed", "StepFailed", "RunFailed")


def test_a_wait_is_never_longer_than_five_minutes_and_a_jitter() -> None:
    story = automated(retry_attempts=12)
    for number in range(1, 12):
        story.answers(1, "failure", retryable=True).fires(f"retry:step_001:1:{number}")
    story.answers(1, "failure", retryable=True)
    assert timedelta(seconds=300) <= story.state.timers[0].due_at - story.now <= timedelta(seconds=375)


@pytest.mark.parametrize(("asked", "least"), [(90, 90), (1, 2), (0, 2), (1e9, 3600), (-5, 2), (None, 2)])
def test_a_pause_that_was_asked_for_is_kept_within_an_hour(asked: float | None, least: float) -> None:
    story = automated().answers(1, "failure", retryable=True, retry_after_seconds=asked)
    wait = (story.state.timers[0].due_at - story.now).total_seconds()
    assert least <= wait <= 1.25 * least


def test_no_retries_means_one_attempt() -> None:
    story = automated(retry_attempts=0).answers(1, "failure", retryable=True)
    story.then("AutomationAttemptFailed", "StepFailed", "RunFailed")


def test_a_failure_that_no_retry_mends_ends_the_attempt_at_once() -> None:
    automated().answers(1, "failure", error="404").then("AutomationAttemptFailed", "StepFailed", "RunFailed")


def test_people_take_over_where_the_playbook_says_so() -> None:
    story = (
        automated(fallback_to_manual=True).answers(1, "failure").then("AutomationAttemptFailed", "AutomationFellBack")
    )
    assert (story.step(1).execution_mode, story.step(1).status) == ("manual", "in_progress")
    story.completes(1, ALICE).then("StepCompleted", "RunCompleted")


def test_an_answer_that_breaks_the_steps_promise_is_a_failure() -> None:
    post = {"post": [{"field": "score", "operator": ">", "value": 5}]}
    story = trial({"step_type": "automated", "conditions": post}).answers(1, data={"score": 1})
    story.then("AutomationAttemptFailed", "StepFailed", "RunFailed")
    assert "score > 5" in story.event("StepFailed").reason


def test_an_answer_after_the_cancel_is_kept_and_changes_nothing() -> None:
    story = automated()
    job = story.step(1).job_id
    story.when(CancelRun(caller=ADMIN, signal_id="s")).answers(1, job_id=job).then("LateResultRecorded")
    assert (story.state.status, story.event("LateResultRecorded").step_status) == ("cancelled", "cancelled")


@pytest.mark.parametrize("outcome", ["success", "failure"])
def test_an_answer_to_another_job_changes_nothing(outcome: str) -> None:
    story = automated().answers(1, outcome, job_id="run_1:step_001:1:9").then("LateResultRecorded")
    assert story.step(1).job_id == "run_1:step_001:1:1"


def test_an_answer_twice_counts_once() -> None:
    story = automated()
    job = story.step(1).job_id
    story.answers(1, "failure", retryable=True, job_id=job).answers(1, "failure", retryable=True, job_id=job)
    story.then("LateResultRecorded")


def test_refuses_a_step_that_the_run_does_not_have() -> None:
    automated().answers(1, step_id="step_009").refused(Code.NOT_FOUND)


@pytest.mark.parametrize(
    ("fallback", "events"),
    [(False, ["AutomationAttemptFailed", "StepFailed", "RunFailed"]),
     (True, ["AutomationAttemptFailed", "AutomationFellBack"])],
)  # fmt: skip
def test_an_approval_beyond_what_is_in_force_by_now_is_none(fallback: bool, events: list[str]) -> None:
    config = {"auto_approve_limit": 60_000, "fallback_to_manual": fallback}
    story = trial({"step_type": "automated", "automation_config": config})
    story.policies = OrganizationPolicies(financial_controls=FinancialControls(auto_approve_limit=50_000))
    worker = somebody("worker", permissions=("step:work",))
    refused = story.completes(1, worker).refused(Code.POLICY_VIOLATION)
    assert (refused.details["max_allowed"], refused.details["requested"]) == (50_000, 60_000)
    story.answers(1).then(*events)
    assert "financial_controls" in story.event("AutomationAttemptFailed").error
    if fallback:
        story.completes(1, somebody("a person")).then("StepCompleted", "RunCompleted")


@pytest.mark.parametrize(
    ("fallback", "events"),
    [(False, ["StepStarted", "StepFailed", "RunFailed"]), (True, ["StepStarted", "AutomationFellBack"])],
)
def test_a_machine_that_may_not_approve_as_much_by_now_is_not_asked(fallback: bool, events: list[str]) -> None:
    config = {"auto_approve_limit": 60_000, "fallback_to_manual": fallback}
    story = trial({}, {"step_type": "automated", "automation_config": config})
    story.policies = OrganizationPolicies(financial_controls=FinancialControls(auto_approve_limit=50_000))
    story.completes(1).then("StepCompleted", *events)
    assert "cannot exceed $50,000" in (story.step(2).reason or "")
    if fallback:
        story.completes(2, somebody("a person")).then("StepCompleted", "RunCompleted")


def test_nor_is_it_asked_again() -> None:
    config = {"auto_approve_limit": 60_000, "fallback_to_manual": True, "retry_attempts": 2}
    story = trial({"step_type": "automated", "automation_config": config})
    story.answers(1, "failure", error="busy", retryable=True).then("AutomationAttemptFailed")
    story.policies = OrganizationPolicies(financial_controls=FinancialControls(auto_approve_limit=50_000))
    (retry,) = [timer for timer in story.state.timers if timer.kind == "automation_retry"]
    story.fires(retry.timer_id).then("AutomationFellBack")
    assert not [timer for timer in story.state.timers if timer.kind == "automation_retry"]
