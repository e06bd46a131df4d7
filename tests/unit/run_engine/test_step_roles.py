"""The policy `step_roles`: where it holds, nobody works on a step without one of the roles that the playbook names."""

from datetime import timedelta
from typing import Any

import pytest

from contracts.commands import ClaimStep, EscalateStep, ReassignStep
from contracts.policies import Delegation, OrganizationPolicies
from contracts.rejections import Code
from services.run_engine.domain.trial import violations
from services.run_engine.domain.views import completion_view, waiting_view
from tests.unit.run_engine.story import ADMIN, NOON, Story, playbook, somebody

CLERK, BOSS = somebody("carl", "clerk"), somebody("bob", "boss")
MOVER = somebody("carl", "clerk", permissions=("step:complete", "run:update"))
APPROVAL: dict[str, Any] = {"step_type": "approval", "assignee_roles": ["boss"]}
TO_CARL = ReassignStep(caller=MOVER, signal_id="s", step_id="step_001", assignee="carl")


def story(step: dict[str, Any], *more: dict[str, Any], **policies: Any) -> Story:
    everywhere: dict[str, Any] = {"step_roles": {"required_at": [{}]}}
    return Story(playbook(step, *more), OrganizationPolicies.model_validate(everywhere | policies)).started()


def test_by_default_an_assignee_needs_no_role() -> None:
    run = Story(playbook(APPROVAL)).started().when(TO_CARL).completes(1, CLERK, outcome="approve")
    run.then("StepCompleted", "RunCompleted")


def test_an_assignee_without_a_role_is_refused_and_told_which_one_is_required() -> None:
    run = story(APPROVAL).when(TO_CARL)
    refused = run.completes(1, CLERK, outcome="approve").refused(Code.FORBIDDEN, "the policy step_roles requires")
    assert refused.details == {
        "step": "step_001", "policy": "step_roles", "required_roles": ["boss"], "current_roles": ["clerk"],
    }  # fmt: skip
    assert waiting_view(run.state, run.situation)["waits_for"][0]["required_roles"] == ["boss"]
    assert not completion_view(run.state, run.situation, "step_001", [], CLERK)["next_steps"][0]["can_complete"]
    run.completes(1, BOSS, outcome="approve").then("StepCompleted", "RunCompleted")


def test_several_who_are_named_need_it_too_also_to_claim() -> None:
    run = story({}, APPROVAL).completes(1, next_step_assignments={"step_002": ["ann", "bob"]})
    run.when(ClaimStep(caller=somebody("ann"), step_id="step_002")).refused(Code.FORBIDDEN, "step_roles")
    run.completes(2, somebody("ann"), outcome="approve").refused(Code.FORBIDDEN, "step_roles")
    run.when(ClaimStep(caller=BOSS, step_id="step_002")).then("StepAssigned")


def test_it_holds_only_where_it_is_asked_for_and_where_the_playbook_names_roles() -> None:
    forms = {"step_roles": {"required_at": [{"step_type": "form"}]}}
    story(APPROVAL, **forms).when(TO_CARL).completes(1, CLERK, outcome="approve").then("StepCompleted", "RunCompleted")
    story({}).completes(1).then("StepCompleted", "RunCompleted")


def test_an_override_remains_one() -> None:
    story(APPROVAL).completes(1, ADMIN, outcome="approve").then("StepCompleted", "RunCompleted")


def test_nobody_escalates_to_a_role_that_the_playbook_does_not_name() -> None:
    own = {**APPROVAL, "metadata": {"escalation": {"escalate_to": ["vp"]}}}
    escalate = EscalateStep(caller=MOVER, signal_id="s", step_id="step_001", escalate_to=["clerk"])
    refused = story(own).when(escalate).refused(Code.FORBIDDEN, "only to boss, vp, not to clerk")
    assert (refused.details["policy"], refused.details["roles"]) == ("step_roles", ["clerk"])
    run = story(own).when(escalate.model_copy(update={"escalate_to": ["vp"]})).then("StepEscalated")
    run.completes(1, somebody("vera", "vp"), outcome="approve").then("StepCompleted", "RunCompleted")


def test_a_role_that_was_added_before_the_policy_gives_no_right_any_more() -> None:
    run = Story(playbook(APPROVAL)).started()
    run.when(EscalateStep(caller=MOVER, signal_id="s", step_id="step_001", escalate_to=["clerk"]))
    run.policies = OrganizationPolicies.model_validate({"step_roles": {"required_at": [{}]}})
    run.completes(1, CLERK, outcome="approve").refused(Code.FORBIDDEN, "step_roles")


def test_a_role_of_the_playbooks_own_escalation_counts() -> None:
    late = {**APPROVAL, "metadata": {"escalation": {"after_hours": 1, "escalate_to": ["vp"]}}}
    run = story(late).after(hours=2).fires("escalation:step_001:1").then("StepEscalated")
    run.completes(1, somebody("vera", "vp"), outcome="approve").then("StepCompleted", "RunCompleted")


@pytest.mark.parametrize(("lent", "may"), [(("boss",), True), (("clerk",), False)])
def test_a_substitute_acts_with_lent_roles_and_not_with_the_name(lent: tuple[str, ...], may: bool) -> None:
    delegation = Delegation(
        delegator="dora", substitute="susi", delegator_roles=lent, starts_at=NOON, ends_at=NOON + timedelta(days=1)
    )
    run = story(APPROVAL, delegations={"dlg_1": delegation.model_dump()})
    run.when(TO_CARL.model_copy(update={"assignee": "dora"})).completes(1, somebody("susi"), outcome="approve")
    if may:
        run.then("StepCompleted", "RunCompleted")
    else:
        run.refused(Code.FORBIDDEN, "step_roles")


def test_a_higher_role_acts_where_it_may() -> None:
    order = {"role_order": {"roles": ["boss", "ceo"], "higher_may_act": [{}]}}
    run = story(APPROVAL, **order).completes(1, somebody("cleo", "ceo"), outcome="approve")
    run.then("StepCompleted", "RunCompleted")


def test_a_trial_names_votes_of_those_who_hold_no_required_role() -> None:
    committee = {**APPROVAL, "metadata": {"voting_threshold": 1, "committee_size": 2}}
    run = Story(playbook(committee)).started().when(TO_CARL).completes(1, CLERK, outcome="approve")
    run.policies = OrganizationPolicies.model_validate({"step_roles": {"required_at": [{}]}})
    [found] = violations("step_roles", run.state, run.situation)
    assert (found["violation"], found["user"], found["required_roles"]) == ("vote_without_role", "carl", ["boss"])
