from contracts.commands import SkipStep
from contracts.rejections import Code
from tests.unit.run_engine.story import ADMIN, ALICE, trial

SKIP = SkipStep(caller=ADMIN, signal_id="s", reason="Done by phone")


def test_skips_the_only_open_step_and_goes_on() -> None:
    trial({}, {}).when(SKIP).then("StepSkipped", "StepStarted")


def test_ends_a_block() -> None:
    story = trial({"conditions": {"pre": [{"field": "x", "operator": "exists"}]}}, {}).when(SKIP)
    story.then("StepSkipped", "RunUnblocked", "StepStarted")


def test_a_step_can_be_left_out_before_its_turn() -> None:
    story = trial({}, {}).when(SKIP.model_copy(update={"step_id": "step_002"})).then("StepSkipped")
    story.completes(1).then("StepCompleted", "RunCompleted")


def test_a_required_step_needs_the_permission_and_an_optional_one_does_not() -> None:
    trial({}).when(SKIP.model_copy(update={"caller": ALICE})).refused(Code.FORBIDDEN)
    trial({"is_required": False}).when(SKIP.model_copy(update={"caller": ALICE})).then("StepSkipped", "RunCompleted")


def test_refuses_without_a_reason_a_choice_or_an_open_step() -> None:
    trial({}).when(SKIP.model_copy(update={"reason": " "})).refused(Code.VALIDATION_ERROR)
    side = {"parallel_allowed": True}
    trial(side, side).when(SKIP).refused(Code.VALIDATION_ERROR, "2 steps are open")
    done = SKIP.model_copy(update={"step_id": "step_001"})
    trial({}, {}).completes(1).when(done).refused(Code.INVALID_STATE, "it is completed")
    trial({}).completes(1).when(SKIP).refused(Code.INVALID_STATE)
