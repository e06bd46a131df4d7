from contracts.commands import ClaimStep, PauseRun
from contracts.rejections import Code
from services.run_engine.domain.views import assignment_view
from tests.unit.run_engine.story import ADMIN, ALICE, somebody, trial

CLERKS = {"assignee_roles": ["clerk"]}
CARL, CORA = somebody("carl", "clerk"), somebody("cora", "clerk")
BY_CARL = ClaimStep(caller=CARL, step_id="step_001")


def test_a_holder_of_the_role_becomes_the_assignee() -> None:
    story = trial(CLERKS).when(BY_CARL).then("StepAssigned")
    assert (story.step(1).assigned_to, story.event("StepAssigned").reason) == ("carl", "claimed")
    assert isinstance(story.answer, list)
    view = assignment_view(story.state, story.situation, "step_001", story.answer, CARL)
    assert (view["assigned_to"], view["can_complete"]) == ("carl", True)
    assert view["timeline_entry"]["event"] == "step_assigned"


def test_what_is_mine_already_stays_mine() -> None:
    trial(CLERKS).when(BY_CARL).when(BY_CARL).then()


def test_nobody_takes_it_from_its_assignee() -> None:
    refused = trial(CLERKS).when(BY_CARL).when(ClaimStep(caller=CORA, step_id="step_001")).refused(Code.CONFLICT)
    assert refused.details["assigned_to"] == "carl"


def test_refuses_who_holds_none_of_its_roles() -> None:
    trial(CLERKS).when(ClaimStep(caller=ALICE, step_id="step_001")).refused(Code.FORBIDDEN)


def test_refuses_what_nobody_works_on_now() -> None:
    claim = ClaimStep(caller=ADMIN, step_id="step_002")
    trial({}, {}).when(claim).refused(Code.INVALID_STATE, "it is pending")
    trial({}).when(claim).refused(Code.NOT_FOUND)
    trial({"step_type": "automated"}).when(BY_CARL).refused(Code.INVALID_STATE, "it is automated")
    trial(CLERKS).when(PauseRun(caller=ALICE, signal_id="p")).when(BY_CARL).refused(Code.INVALID_STATE, "it is paused")
