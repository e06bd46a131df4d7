from contracts.commands import ClaimStep, ReleaseStep
from contracts.rejections import Code
from tests.unit.run_engine.story import ADMIN, ALICE, Story, somebody, trial

CARL, CORA = somebody("carl", "clerk"), somebody("cora", "clerk")
BY_CARL = ReleaseStep(caller=CARL, step_id="step_001", reason="leave")


def claimed() -> Story:
    return trial({"assignee_roles": ["clerk"]}).when(ClaimStep(caller=CARL, step_id="step_001"))


def test_the_others_may_claim_it_then() -> None:
    story = claimed().when(BY_CARL).then("StepReleased")
    assert (story.event("StepReleased").previous, story.step(1).assigned_to) == ("carl", None)
    assert story.when(ClaimStep(caller=CORA, step_id="step_001")).step(1).assigned_to == "cora"


def test_what_is_nobody_s_stays_so() -> None:
    claimed().when(BY_CARL).when(BY_CARL).then()


def test_only_the_assignee_or_who_may_override_releases_it() -> None:
    claimed().when(ReleaseStep(caller=CORA, step_id="step_001")).refused(Code.FORBIDDEN)
    claimed().when(ReleaseStep(caller=ADMIN, step_id="step_001")).then("StepReleased")


def test_a_step_of_no_role_is_not_opened_to_everybody() -> None:
    story = trial({})
    assert story.step(1).assigned_to == "alice"
    story.when(ReleaseStep(caller=ALICE, step_id="step_001")).refused(Code.INVALID_STATE, "reassign it")
