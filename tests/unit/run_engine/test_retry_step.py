from contracts.commands import RetryStep
from contracts.rejections import Code
from tests.unit.run_engine.story import ALICE, trial

RETRY = RetryStep(caller=ALICE, signal_id="s", reason="Again")
SIDE = {"parallel_allowed": True}


def test_a_failed_run_is_active_again_with_a_fresh_attempt() -> None:
    story = trial({}, {}).completes(1, outcome="failure").when(RETRY)
    story.then("RunReopened", "StepRetried", "StepStarted")
    assert (story.state.status, story.step(1).attempt, story.step(1).history[0].status) == ("active", 2, "failed")


def test_what_the_failure_cancelled_is_done_as_well() -> None:
    story = trial(SIDE, SIDE).completes(1, outcome="failure").when(RETRY)
    story.then("RunReopened", "StepRetried", "StepStarted", "StepStarted")
    assert story.completes(1).completes(2).state.status == "completed"


def test_a_failed_optional_step_is_retried_while_the_run_goes_on() -> None:
    story = trial({"is_required": False}, {}).completes(1, outcome="failure").when(RETRY)
    assert story.then("StepRetried", "StepStarted").statuses() == ["in_progress", "in_progress"]


def test_an_automated_attempt_starts_with_its_first_try() -> None:
    story = trial({"step_type": "automated"}).answers(1, "failure").when(RETRY)
    assert story.event("AutomationRequested").job_id == "run_1:step_001:2:1"


def test_refuses_a_step_that_has_not_failed_and_a_run_that_is_over() -> None:
    trial({}).when(RETRY).refused(Code.VALIDATION_ERROR)
    trial({}).when(RETRY.model_copy(update={"step_id": "step_001"})).refused(Code.INVALID_STATE, "it is in_progress")
    trial({}).when(RETRY.model_copy(update={"step_id": "step_002"})).refused(Code.NOT_FOUND)
    trial({}).completes(1).when(RETRY).refused(Code.INVALID_STATE, "but it is completed")
