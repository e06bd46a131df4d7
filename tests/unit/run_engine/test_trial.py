"""What a policy would mean for a run, before it is put."""

from typing import Any

from contracts.policies import POLICIES, OrganizationPolicies
from services.run_engine.domain.plan import plan_of
from services.run_engine.domain.situation import Situation
from services.run_engine.domain.trial import violations
from tests.unit.run_engine.story import Story, playbook, somebody, trial

BOB = somebody("bob", "clerk")
CLERKS = {"assignee_roles": ["clerk"]}
APPROVAL = {**CLERKS, "step_type": "approval"}


def tried(story: Story, kind: str, **document: Any) -> list[dict[str, Any]]:
    policies = story.policies.model_copy(update={kind: POLICIES[kind].model_validate(document)})
    return violations(kind, story.state, Situation(plan_of(story.definition), policies, story.now))


def test_machines_that_would_approve_too_much_are_named_until_they_are_done() -> None:
    auto = {"step_type": "automated", "automation_config": {"auto_approve_limit": 60_000}}
    story = trial({}, auto)
    [found] = tried(story, "financial_controls", auto_approve_limit=50_000)
    assert (found["step_id"], found["step_status"], found["max_allowed"]) == ("step_002", "pending", 50_000)
    assert tried(story, "financial_controls", auto_approve_limit=60_000) == []
    assert tried(story.completes(1).answers(2), "financial_controls", auto_approve_limit=1) == []


def with_amount(amount: float, **step: Any) -> Story:
    return trial({**APPROVAL, **step}, start={"initial_data": {"approval_amount": amount}})


ORDER = OrganizationPolicies.model_validate({"role_order": {"roles": ["clerk", "boss"]}})


def test_an_approval_that_none_of_its_roles_could_give_is_named() -> None:
    story = with_amount(600)
    story.policies = ORDER
    limits = [{"role": "clerk", "max_amount": 500}, {"role": "boss", "max_amount": None}]
    [found] = tried(story, "approval_limit", limits=limits)
    assert (found["violation"], found["required_role"], found["roles"]) == ("no_role_may_approve", "boss", ["clerk"])
    assert tried(with_amount(500), "approval_limit", limits=limits)[0]["required_role"] is None  # in no order
    below = with_amount(500)
    below.policies = ORDER
    assert tried(below, "approval_limit", limits=limits) == []


def test_a_vote_that_would_not_have_counted_is_named() -> None:
    story = Story(playbook({**APPROVAL, "assignee_roles": ["clerk", "boss"],
                            "metadata": {"voting_threshold": 1, "committee_size": 2}}), ORDER)  # fmt: skip
    free = [{"role": "clerk", "max_amount": None}, {"role": "boss", "max_amount": None}]
    story.policies = ORDER.model_copy(
        update={"approval_limit": POLICIES["approval_limit"].model_validate({"limits": free})}
    )
    story.started(initial_data={"approval_amount": 600}).completes(1, BOB, outcome="approve").then("ApprovalRecorded")
    limits = [{"role": "clerk", "max_amount": 500}, {"role": "boss", "max_amount": None}]
    [found] = tried(story, "approval_limit", limits=limits)
    assert (found["violation"], found["user"], found["current_role"]) == ("vote_beyond_limit", "bob", "clerk")


def test_what_one_has_done_both_of_and_what_is_given_to_who_may_not_is_named() -> None:
    apart = {"rules": [{"type": "separate_steps", "name": "apart", "steps": [{}]}]}
    story = trial(CLERKS, CLERKS, CLERKS).completes(1, BOB, next_step_assignments={"step_003": ["bob"]})
    story.completes(2, BOB)
    found = tried(story, "segregation_of_duties", **apart)
    assert [(f["step_id"], f["violation"], f["user"]) for f in found] == [
        ("step_001", "done_by_one", "bob"), ("step_002", "done_by_one", "bob"),
        ("step_003", "given_to_who_may_not", "bob"),
    ]  # fmt: skip
    assert found[2]["conflicting_step"] == "step_001"
    assert tried(story, "segregation_of_duties") == []
