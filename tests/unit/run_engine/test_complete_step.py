from datetime import timedelta
from typing import Any

import pytest

from contracts.commands import PauseRun, ReassignStep
from contracts.policies import Delegation, OrganizationPolicies
from contracts.rejections import Code
from services.run_engine.domain.views import completion_view
from tests.unit.run_engine.story import ADMIN, ALICE, NOON, Story, playbook, somebody, trial

PAUSE = PauseRun(caller=ALICE, signal_id="s")
OPTIONS = [
    {"action": "approve", "next_step": 4},
    {"action": "reject", "end_playbook": True},
    {"action": "request_info", "return_to_step": 1},
]


def test_completes_a_step_and_starts_the_next() -> None:
    story = trial({}, {}).after(minutes=20).completes(1, data={"x": 1}).then("StepCompleted", "StepStarted")
    assert (story.event("StepCompleted").duration_minutes, story.state.data) == (20, {"x": 1})


def test_refuses_to_complete_a_step_of_a_paused_run() -> None:
    refusal = trial({}).when(PAUSE).completes(1).refused(Code.INVALID_STATE, "complete step_001, but it is paused")
    assert refusal.details["current_status"] == "paused" and "resume" in refusal.details["allowed"]


def test_refuses_a_step_that_is_not_there_not_open_or_of_an_ended_run() -> None:
    trial({}).completes(9).refused(Code.NOT_FOUND)
    trial({}, {}).completes(2).refused(Code.INVALID_STATE, "it is pending")
    trial({}).completes(1).completes(1).refused(Code.INVALID_STATE, "the run is completed")


def test_refuses_who_is_neither_assignee_nor_of_its_roles() -> None:
    trial({"assignee_roles": ["nurse"]}).completes(1, somebody("x", "clerk")).refused(Code.FORBIDDEN)
    trial({"assignee_roles": ["nurse"]}).completes(1, somebody("x", "nurse")).then("StepCompleted", "RunCompleted")
    trial({}, start={"context": {"triggered_by": "bob"}}).completes(1, ALICE).refused(Code.FORBIDDEN)


def test_a_later_step_with_neither_assignee_nor_roles_is_open_to_all() -> None:
    trial({}, {}).completes(1).completes(2, somebody("whoever")).then("StepCompleted", "RunCompleted")


def test_completing_for_somebody_else_needs_an_override() -> None:
    trial({}).completes(1, completed_by="bob").refused(Code.FORBIDDEN)
    event = trial({}).completes(1, ADMIN, completed_by="bob").event("StepCompleted")
    assert (event.completed_by, event.actor.id) == ("bob", "admin")


def test_refuses_an_unknown_outcome_and_says_which_are_known() -> None:
    refusal = trial({}).completes(1, outcome="maybe").refused(Code.VALIDATION_ERROR)
    assert refusal.details["allowed"] == ["success", "failure"]


def test_a_failure_of_a_required_step_fails_the_run_and_cancels_what_is_open() -> None:
    story = trial({"parallel_allowed": True}, {"parallel_allowed": True}, {}).completes(1, outcome="failure")
    story.then("StepFailed", "StepCancelled", "RunFailed")
    assert story.statuses() == ["failed", "cancelled", "pending"]


def test_a_failure_of_an_optional_step_lets_the_run_go_on() -> None:
    trial({"is_required": False}, {}).completes(1, outcome="failure").then("StepFailed", "StepStarted")


def test_assigns_the_steps_that_follow() -> None:
    story = trial({}, {"assignee_roles": ["boss"]}).completes(1, next_step_assignments={"step_002": ["carol"]})
    assert (story.step(2).assigned_to, story.event("StepStarted").auto_assigned) == ("carol", True)
    story.completes(2, somebody("carol")).then("StepCompleted", "RunCompleted")


@pytest.mark.parametrize("step_id", ["step_001", "step_009"])
def test_refuses_to_assign_what_does_not_follow(step_id: str) -> None:
    trial({}, {}).completes(1, next_step_assignments={step_id: ["x"]}).refused(Code.VALIDATION_ERROR)


def test_assigning_a_step_that_is_open_already_hands_it_over() -> None:
    story = trial({"parallel_allowed": True}, {"parallel_allowed": True})
    story.completes(1, next_step_assignments={"step_002": ["carol"]}).then("StepCompleted", "StepAssigned")
    assert story.step(2).assigned_to == "carol"


def approval(**metadata: Any) -> Story:
    step = {"step_type": "approval", "assignee_roles": ["boss"], "metadata": metadata}
    return trial({}, step, {}, {}).completes(1)


BOSS = somebody("boss", "boss")


def test_an_option_can_jump_ahead_and_what_lies_between_is_skipped() -> None:
    story = approval(approval_options=OPTIONS).completes(2, BOSS, outcome="approve")
    assert story.statuses() == ["completed", "completed", "skipped", "in_progress"]


def test_success_stands_for_approve() -> None:
    assert approval(approval_options=OPTIONS).completes(2, BOSS).statuses()[2] == "skipped"


def test_an_option_can_end_the_playbook() -> None:
    story = (
        approval(approval_options=OPTIONS).completes(2, BOSS, outcome="reject").then("StepCompleted", "RunCompleted")
    )
    assert (story.state.status, story.state.outcome) == ("completed", "rejected")


def test_an_option_can_send_the_work_back() -> None:
    story = approval(approval_options=OPTIONS).completes(2, BOSS, outcome="request_info")
    story.then("StepCompleted", "StepsReturned", "StepStarted")
    assert story.statuses() == ["in_progress", "pending", "pending", "pending"]
    assert (story.step(1).attempt, story.step(1).assigned_to, len(story.step(2).history)) == (2, "alice", 1)


@pytest.mark.parametrize("outcome", ["reject", "failure"])
def test_an_approval_without_options_that_is_rejected_ends_the_run(outcome: str) -> None:
    story = approval().completes(2, BOSS, outcome=outcome).then("StepCompleted", "RunCompleted")
    assert story.state.outcome == "rejected"


def test_a_rejection_cancels_what_else_is_open() -> None:
    side = {"parallel_allowed": True}
    story = trial({"step_type": "approval", **side}, side).completes(1, outcome="reject")
    story.then("StepCompleted", "StepCancelled", "RunCompleted")


def matrix(amount: Any, **more: Any) -> Story:
    bands = {"500k_to_1m": ["vp"], "1m_to_5m": ["vp", "cfo"], "over_5m": ["vp", "cfo", "ceo"]}
    step = {
        "step_type": "approval", "assignee_roles": ["vp", "cfo", "ceo"],
        "metadata": {"approval_matrix": bands, "amount_field": "amount", **more},
    }  # fmt: skip
    return trial(step, start={"initial_data": {"amount": amount}})


VP, CFO, CEO = somebody("v", "vp"), somebody("f", "cfo"), somebody("e", "ceo")


def test_a_matrix_asks_every_role_of_the_band_in_any_order() -> None:
    story = matrix(1_000_000).completes(1, CFO, outcome="approve").then("ApprovalRecorded")
    story.completes(1, VP, outcome="approve").then("ApprovalRecorded", "StepCompleted", "RunCompleted")


@pytest.mark.parametrize(("amount", "needed"), [(1, 1), (999_999, 1), (5_000_000, 3), (9e9, 3), ("a lot", 3)])
def test_a_matrix_picks_the_band_of_the_amount(amount: Any, needed: int) -> None:
    story, votes = matrix(amount), 0
    for voter in (VP, CFO, CEO):
        if story.state.status == "active":
            story.completes(1, voter, outcome="approve")
            votes += 1
    assert (votes, story.state.status) == (needed, "completed")


def test_a_matrix_refuses_a_voice_that_the_band_does_not_ask() -> None:
    matrix(600_000).completes(1, CEO, outcome="approve").refused(Code.FORBIDDEN, "needs the approval of vp")


def test_one_rejection_decides_a_matrix() -> None:
    story = matrix(6_000_000).completes(1, VP, outcome="approve").completes(1, CEO, outcome="reject")
    assert (story.state.outcome, story.step(1).outcome) == ("rejected", "reject")


def committee(threshold: float, size: int) -> Story:
    return trial({"step_type": "approval", "metadata": {"voting_threshold": threshold, "committee_size": size},
                  "assignee_roles": ["board"]})  # fmt: skip


def votes(story: Story, word: str, *names: str) -> Story:
    for name in names:
        story.completes(1, somebody(name, "board"), outcome=word)
    return story


@pytest.mark.parametrize(("threshold", "size", "needed"), [(0.66, 5, 4), (0.6, 5, 3), (0.7, 10, 7), (1.0, 3, 3)])
def test_a_threshold_is_rounded_up_to_whole_votes(threshold: float, size: int, needed: int) -> None:
    names = [f"m{number}" for number in range(needed)]
    story = votes(committee(threshold, size), "approve", *names[:-1])
    assert story.state.status == "active"
    assert votes(story, "approve", names[-1]).state.outcome == "success"


def test_a_vote_is_lost_as_soon_as_it_cannot_be_won() -> None:
    story = votes(committee(0.66, 5), "reject", "a")
    assert story.state.status == "active" and votes(story, "reject", "b").state.outcome == "rejected"


def test_a_member_votes_once_and_the_last_vote_counts() -> None:
    story = votes(committee(0.66, 3), "approve", "a", "a", "a")
    assert story.state.status == "active" and len(story.step(1).approvals) == 1
    votes(votes(story, "reject", "a"), "approve", "b", "c")
    assert story.state.outcome == "success"


def test_votes_keep_their_data_for_the_completion() -> None:
    story = committee(1.0, 2).completes(1, somebody("a", "board"), outcome="approve", data={"x": 1})
    assert story.state.data == {}
    assert story.completes(1, somebody("b", "board"), outcome="approve", data={"y": 2}).state.data == {"x": 1, "y": 2}


MACHINE: dict[str, Any] = {"step_type": "automated", "automation_config": {"fallback_to_manual": True}}
WORKER = somebody("worker", permissions=("step:work",))


@pytest.mark.parametrize("permission", ["step:work", "step:override", "step:*", "*"])
def test_a_worker_may_answer_for_an_automated_step(permission: str) -> None:
    trial(MACHINE).completes(1, somebody("worker", permissions=(permission,))).then("StepCompleted", "RunCompleted")


@pytest.mark.parametrize("outcome", ["success", "failure"])
@pytest.mark.parametrize("roles", [(), ("clerk",)])
def test_nobody_else_completes_an_automated_step(roles: tuple[str, ...], outcome: str) -> None:
    story = trial(MACHINE | {"assignee_roles": list(roles)})
    refused = story.completes(1, somebody("carl", "clerk"), outcome=outcome).refused(Code.FORBIDDEN, "is automated")
    assert refused.details == {"required_permission": "step:work", "current_permissions": ["step:complete"]}


def test_neither_an_assignment_nor_a_delegation_gives_a_person_a_machines_step() -> None:
    tomorrow = NOON + timedelta(days=1)
    lent = Delegation(delegator="dora", substitute="susi", delegator_roles=("clerk",), starts_at=NOON, ends_at=tomorrow)
    story = Story(playbook(MACHINE | {"assignee_roles": ["clerk"]}), OrganizationPolicies(delegations={"dlg_1": lent}))
    story.started().when(ReassignStep(caller=ADMIN, signal_id="s", step_id="step_001", assignee="carl"))
    for person in ("carl", "susi"):
        story.completes(1, somebody(person, "clerk")).refused(Code.FORBIDDEN, "is automated")
        shown = completion_view(story.state, story.situation, "step_001", [], somebody(person, "clerk"))
        assert not shown["next_steps"][0]["can_complete"]


def test_a_step_that_fell_back_is_for_people_and_no_longer_for_workers() -> None:
    story = trial(MACHINE | {"assignee_roles": ["clerk"]}).answers(1, "failure")
    refused = story.completes(1, WORKER).refused(Code.FORBIDDEN, "is for people")
    assert refused.details["required_permission"] == "step:complete"
    story.completes(1, somebody("dora")).refused(Code.FORBIDDEN, "nor holds one of its roles")
    story.completes(1, somebody("carl", "clerk")).then("StepCompleted", "RunCompleted")


@pytest.mark.parametrize("step", [{}, {"assignee_roles": ["clerk"]}, {"step_type": "approval"}])
def test_a_workers_permission_opens_no_step_of_people(step: dict[str, Any]) -> None:
    machine = somebody("alice", "clerk", permissions=("step:work",))
    trial(step).completes(1, machine).refused(Code.FORBIDDEN, "is for people")


def test_a_failure_over_the_complete_endpoint_falls_back_as_any_other() -> None:
    story = trial({"step_type": "automated", "automation_config": {"fallback_to_manual": True}})
    story.completes(1, ADMIN, outcome="failure").then("AutomationAttemptFailed", "AutomationFellBack")
    assert story.completes(1, ALICE).state.status == "completed"


def test_what_follows_says_whose_command_led_to_it() -> None:
    story = trial({}, {}).completes(1, ADMIN)
    assert story.event("StepStarted").caused_by == "admin"
    assert story.completes(2, ALICE).event("RunCompleted").caused_by == "alice"
    late = trial({"timeout_minutes": 5, "metadata": {"on_timeout": "fail"}}).fires("overdue:step_001:1")
    assert late.event("RunFailed").caused_by is None
