from typing import Any

import pytest

from contracts.commands import ClaimStep, PauseRun, ReassignStep
from contracts.rejections import Code
from contracts.values import Caller
from services.run_engine.domain.views import assignment_view
from tests.unit.run_engine.story import ADMIN, ALICE, Story, somebody, trial

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


@pytest.mark.parametrize("step", [{}, CLERKS, {"metadata": {"committee_size": 2}}],
                         ids=["open to all", "asks for a role", "asks for a committee"])  # fmt: skip
def test_who_loses_the_race_for_a_step_is_told_that_it_is_taken(step: dict[str, Any]) -> None:
    refused = second(step).when(claim(CARL)).when(claim(CORA)).refused(Code.CONFLICT)
    assert refused.details["assigned_to"] == "carl"


def test_who_loses_the_race_for_what_a_machine_gave_up_is_told_that_it_is_taken() -> None:
    config = {"retry_attempts": 0, "fallback_to_manual": True}
    story = second({"step_type": "automated", "automation_config": config}).answers(2, "failure")
    assert story.step(2).execution_mode == "manual"
    story.when(claim(CARL)).when(claim(CORA)).refused(Code.CONFLICT)


def test_who_could_not_have_claimed_it_first_is_told_so_after_the_race() -> None:
    second(CLERKS).when(claim(CARL)).when(claim(ALICE)).refused(Code.FORBIDDEN)


def test_what_was_given_to_somebody_is_nobody_else_s_to_claim() -> None:
    given = ReassignStep(caller=ADMIN, signal_id="r", step_id="step_002", assignee="cora")
    second({}).when(given).when(claim(CARL)).refused(Code.FORBIDDEN)
    second({}).when(claim(CARL)).when(given).when(claim(CARL)).refused(Code.FORBIDDEN)


def second(step: dict[str, Any]) -> Story:
    """A run that has come to such a step, which nobody is assigned to."""
    return trial({}, step).completes(1)


def claim(caller: Caller) -> ClaimStep:
    return ClaimStep(caller=caller, step_id="step_002")


def test_refuses_who_holds_none_of_its_roles() -> None:
    trial(CLERKS).when(ClaimStep(caller=ALICE, step_id="step_001")).refused(Code.FORBIDDEN)


def test_refuses_what_nobody_works_on_now() -> None:
    claim = ClaimStep(caller=ADMIN, step_id="step_002")
    trial({}, {}).when(claim).refused(Code.INVALID_STATE, "it is pending")
    trial({}).when(claim).refused(Code.NOT_FOUND)
    trial({"step_type": "automated"}).when(BY_CARL).refused(Code.INVALID_STATE, "it is automated")
    trial(CLERKS).when(PauseRun(caller=ALICE, signal_id="p")).when(BY_CARL).refused(Code.INVALID_STATE, "it is paused")
