"""Who may act on a step, in what capacity: by name, by role, by a higher role, in somebody's place."""

from datetime import timedelta
from typing import Any

import pytest

from contracts.commands import ClaimStep, ReassignStep, ReleaseStep
from contracts.policies import ApprovalLimit, Delegation, OrganizationPolicies, RoleLimit, RoleOrder, StepSelector
from contracts.rejections import Code
from contracts.values import Caller
from services.run_engine.domain.views import completion_view, step_view
from tests.unit.run_engine.story import NOON, Story, playbook, somebody

BOSS, CLERK, CORA = somebody("bob", "boss"), somebody("carl", "clerk"), somebody("cora", "clerk")
SUSI = somebody("susi")
MOVER = somebody("mia", permissions=("run:update",))
HOUR = timedelta(hours=1)
CLERKS = {"assignee_roles": ["clerk"]}


def delegation(delegator: str = "bob", substitute: str = "susi", **more: Any) -> Delegation:
    return Delegation(
        delegator=delegator, substitute=substitute, delegator_roles=("boss",), starts_at=NOON + HOUR,
        ends_at=NOON + 3 * HOUR, **more,
    )  # fmt: skip


def standing_in(*delegations: Delegation, **policies: Any) -> OrganizationPolicies:
    by_id = {f"dlg_{number}": one for number, one in enumerate(delegations)}
    return OrganizationPolicies(delegations=by_id, **policies)


def story(step: dict[str, Any], policies: OrganizationPolicies, *more: dict[str, Any]) -> Story:
    return Story(playbook(step, *more), policies).started()


@pytest.mark.parametrize(("hours", "may"), [(0, False), (0.99, False), (1, True), (2.99, True), (3, False)])
def test_a_substitute_acts_from_the_start_of_the_delegation_until_its_end(hours: float, may: bool) -> None:
    run = story({"assignee_roles": ["boss"]}, standing_in(delegation())).after(hours=hours).completes(1, SUSI)
    if not may:
        run.refused(Code.FORBIDDEN, "nor holds one of its roles")
        return
    done = run.then("StepCompleted", "RunCompleted").event("StepCompleted")
    assert (done.completed_by, done.on_behalf_of, done.actor.id) == ("susi", "bob", "susi")
    assert (run.step(1).completed_by, run.step(1).on_behalf_of) == ("susi", "bob")


def test_a_substitute_does_what_the_delegator_was_given_by_name() -> None:
    run = story({}, standing_in(delegation("alice"))).after(hours=2)
    assert run.step(1).assigned_to == "alice"
    shown = completion_view(run.state, run.situation, "step_001", [], SUSI)["next_steps"][0]
    assert (shown["assigned_to"], shown["substitutes"], shown["can_complete"]) == ("alice", ["susi"], True)
    assert run.completes(1, SUSI).step(1).on_behalf_of == "alice"
    seen = step_view(run.state, run.step(1), run.situation.plan.by_id["step_001"])
    assert (seen["completed_by"], seen["on_behalf_of"]) == ("susi", "alice")
    assert seen["attempts"][-1]["on_behalf_of"] == "alice"


def test_a_delegation_for_named_roles_lends_no_others() -> None:
    only_clerk = standing_in(delegation("alice", roles=("clerk",)))
    story({"assignee_roles": ["clerk"]}, only_clerk).after(hours=2).completes(1, SUSI).then(
        "StepCompleted", "RunCompleted"
    )
    for step in ({"assignee_roles": ["boss"]}, {}):
        story(step, only_clerk).after(hours=2).completes(1, SUSI).refused(Code.FORBIDDEN)


def test_who_may_act_in_their_own_right_does() -> None:
    run = story(CLERKS, standing_in(delegation(substitute="carl", roles=("clerk",)))).after(hours=2).completes(1, CLERK)
    assert run.step(1).on_behalf_of is None


def test_delegations_of_others_cost_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Thousands are in force in the holidays, and each command asks for the caller's."""
    others = [delegation(f"boss_{number}", f"other_{number}") for number in range(100)]
    policies = standing_in(delegation("alice"), *others)
    run = story({}, policies).after(hours=2)
    asked: list[str] = []
    in_force = Delegation.is_in_force

    def counted(one: Delegation, now: Any) -> bool:
        asked.append(one.substitute)
        return in_force(one, now)

    monkeypatch.setattr(Delegation, "is_in_force", counted)
    run.completes(1, SUSI).then("StepCompleted", "RunCompleted")
    completion_view(run.state, run.situation, "step_001", [], SUSI)
    assert set(asked) == {"susi"}


def test_a_delegation_is_not_passed_on() -> None:
    from_susi = delegation("susi", "tina").model_copy(update={"delegator_roles": ()})
    chain = standing_in(delegation("bob", "susi"), from_susi)
    story({"assignee_roles": ["boss"]}, chain).after(hours=2).completes(1, somebody("tina")).refused(Code.FORBIDDEN)


def test_a_substitute_claims_and_releases_for_the_delegator() -> None:
    run = story({"assignee_roles": ["boss"]}, standing_in(delegation())).after(hours=2)
    claimed = run.when(ClaimStep(caller=SUSI, step_id="step_001")).then("StepAssigned").event("StepAssigned")
    assert (claimed.assigned_to, claimed.on_behalf_of, claimed.actor.id) == ("bob", "bob", "susi")
    run.when(ClaimStep(caller=SUSI, step_id="step_001")).then()
    released = run.when(ReleaseStep(caller=SUSI, step_id="step_001")).then("StepReleased").event("StepReleased")
    assert (released.previous, released.on_behalf_of) == ("bob", "bob")
    run.when(ClaimStep(caller=BOSS, step_id="step_001"))
    run.after(hours=2).when(ReleaseStep(caller=SUSI, step_id="step_001")).refused(Code.FORBIDDEN)


def test_a_substitute_approves_up_to_the_delegators_limit() -> None:
    limits = ApprovalLimit(limits=(RoleLimit(role="clerk", max_amount=10), RoleLimit(role="boss", max_amount=100)))
    order = RoleOrder(roles=("clerk", "boss"))
    lent = standing_in(delegation(substitute="carl"), approval_limit=limits, role_order=order)
    step = {"step_type": "approval", "assignee_roles": ["clerk", "boss"]}
    run = story(step, lent).after(hours=2)
    run.completes(1, CLERK, outcome="approve", data={"approval_amount": 101}).refused(Code.CONTRACT_VALIDATION_FAILED)
    run.completes(1, CLERK, outcome="approve", data={"approval_amount": 100})
    assert run.step(1).on_behalf_of == "bob"
    own = story(step, lent).after(hours=2).completes(1, CLERK, outcome="approve", data={"approval_amount": 10})
    assert own.step(1).on_behalf_of is None


def test_a_seat_has_one_voice_whoever_sits_in_it() -> None:
    board = {"step_type": "approval", "assignee_roles": ["boss"],
             "metadata": {"voting_threshold": 1, "committee_size": 2}}  # fmt: skip
    run = story(board, standing_in(delegation(), delegation("ben"))).after(hours=2)
    run.completes(1, BOSS, outcome="approve").completes(1, SUSI, outcome="reject")
    assert [(vote.user, vote.on_behalf_of, vote.vote) for vote in run.step(1).approvals] == [("susi", "bob", "reject")]
    assert isinstance(run.answer, list)
    answer = completion_view(run.state, run.situation, "step_001", run.answer, SUSI)
    for shown in (*answer["approvals"]["votes"], answer["timeline_entry"]["details"]):
        assert shown["on_behalf_of"] == "bob"
    run = story(board, standing_in(delegation(), delegation("ben"))).after(hours=2)
    run.completes(1, SUSI, outcome="approve").completes(1, SUSI, outcome="approve")
    assert run.state.status == "active"


def test_a_substitute_speaks_in_a_matrix_where_they_have_no_voice_of_their_own() -> None:
    step = {"step_type": "approval", "assignee_roles": ["clerk", "boss"],
            "metadata": {"approval_matrix": {"over_0": ["boss"]}, "amount_field": "amount"}}  # fmt: skip
    run = story(step, standing_in(delegation(substitute="carl"))).after(hours=2).completes(1, CLERK, outcome="approve")
    assert (run.step(1).approvals[0].roles, run.step(1).approvals[0].on_behalf_of) == (("boss",), "bob")


def test_a_vote_is_given_in_the_capacity_in_which_the_matrix_still_asks_for_it() -> None:
    """Susi is a clerk and stands in for bob, the boss: where a clerk has approved before, hers is his."""
    step = {"step_type": "approval", "metadata": {"approval_matrix": {"over_0": ["clerk", "boss"]}}}
    susi = somebody("susi", "clerk")
    run = story(step, standing_in(delegation())).after(hours=2).completes(1, CLERK, outcome="approve")
    run.completes(1, susi, outcome="approve").then("ApprovalRecorded", "StepCompleted", "RunCompleted")
    assert run.step(1).on_behalf_of == "bob"
    run = story(step, standing_in(delegation())).after(hours=2).completes(1, susi, outcome="approve")
    assert run.step(1).approvals[0].on_behalf_of is None
    run.completes(1, susi, outcome="approve").then("ApprovalRecorded")
    run.completes(1, CLERK, outcome="approve").then("ApprovalRecorded")


ORDER = ("clerk", "boss", "chief")
CHIEF, OTHER = somebody("chris", "chief"), somebody("olga", "other")


@pytest.mark.parametrize(
    ("selector", "may"),
    [({}, True), ({"name": "A"}, True), ({"playbook": "HERA.TEST"}, True), ({"step_type": "task", "name": "A"}, True),
     ({"name": "B"}, False), ({"playbook": "HERA.TES"}, False), ({"step_type": "form"}, False)],
)  # fmt: skip
def test_a_higher_role_acts_for_a_lower_one_only_where_the_policy_says_so(selector: dict[str, Any], may: bool) -> None:
    order = RoleOrder(roles=ORDER, higher_may_act=(StepSelector(**selector),))
    run = story({"assignee_roles": ["boss"]}, OrganizationPolicies(role_order=order)).completes(1, CHIEF)
    run.then("StepCompleted", "RunCompleted") if may else run.refused(Code.FORBIDDEN)


def test_neither_a_lower_role_nor_one_outside_the_order_acts_for_another() -> None:
    everywhere = OrganizationPolicies(role_order=RoleOrder(roles=ORDER, higher_may_act=(StepSelector(),)))
    for caller in (CLERK, OTHER):
        story({"assignee_roles": ["boss"]}, everywhere).completes(1, caller).refused(Code.FORBIDDEN)
    story({"assignee_roles": ["stranger"]}, everywhere).completes(1, CHIEF).refused(Code.FORBIDDEN)
    story({"assignee_roles": ["boss"]}, OrganizationPolicies(role_order=RoleOrder(roles=ORDER))).completes(
        1, CHIEF
    ).refused(Code.FORBIDDEN)


TO_BOTH = {"step_002": ["ann", "ben", "ann"]}
ANN, BEN = somebody("ann"), somebody("ben")


def given_to_both(**step: Any) -> Story:
    return Story(playbook({}, step)).started().completes(1, next_step_assignments=TO_BOTH)


def test_a_step_given_to_several_is_for_each_of_them() -> None:
    run = given_to_both().then("StepCompleted", "StepStarted")
    started = run.event("StepStarted")
    assert (started.assigned_to, started.candidates) == (None, ["ann", "ben"])
    assert step_view(run.state, run.step(2), run.situation.plan.by_id["step_002"])["candidates"] == ["ann", "ben"]
    for caller in (ANN, BEN):
        given_to_both().completes(2, caller).then("StepCompleted", "RunCompleted")
    refused = given_to_both().completes(2, somebody("alice")).refused(Code.FORBIDDEN)
    assert refused.details["candidates"] == ["ann", "ben"]


def test_one_of_several_claims_it_and_gives_it_back_to_them() -> None:
    run = given_to_both().when(ClaimStep(caller=BEN, step_id="step_002")).then("StepAssigned")
    assert (run.step(2).assigned_to, run.step(2).candidates) == ("ben", ("ann", "ben"))
    run.when(ReleaseStep(caller=BEN, step_id="step_002")).then("StepReleased")
    run.completes(2, ANN).then("StepCompleted", "RunCompleted")


def test_a_reassignment_takes_it_from_all_of_them() -> None:
    run = given_to_both().when(ReassignStep(caller=MOVER, signal_id="s", step_id="step_002", assignee="zoe"))
    assert (run.step(2).assigned_to, run.step(2).candidates) == ("zoe", ())
    run.completes(2, ANN).refused(Code.FORBIDDEN)


def test_an_open_step_is_offered_to_several() -> None:
    side = {"parallel_allowed": True}
    run = Story(playbook(side, side)).started().completes(1, next_step_assignments=TO_BOTH)
    run.then("StepCompleted", "StepOffered").completes(2, BEN).then("StepCompleted", "RunCompleted")


MANAGED = {"assignee_roles": ["boss"]}


def test_nobody_names_themselves_for_a_step_whose_roles_they_lack() -> None:
    """Naming gives a right: one may give it to others, and to oneself only by a reassignment's permission."""
    to_carl = {"step_002": ["carl"]}

    def named(caller: Caller, users: dict[str, list[str]], **policies: Any) -> Story:
        rules = OrganizationPolicies(**policies)
        return Story(playbook(CLERKS, MANAGED), rules).started().completes(1, caller, next_step_assignments=users)

    for users in (to_carl, {"step_002": ["ann", "carl"]}):
        refused = named(CLERK, users).refused(Code.FORBIDDEN, "carl holds none of the roles of step_002")
        assert refused.details["required_permission"] == "run:reassign"
    for permission in ("run:reassign", "run:update", "step:override", "*"):
        given = named(somebody("carl", "clerk", permissions=("step:complete", permission)), to_carl)
        given.completes(2, CLERK).then("StepCompleted", "RunCompleted")
    named(CLERK, {"step_002": ["cora"]}).completes(2, CORA).then("StepCompleted", "RunCompleted")
    named(somebody("carl", "clerk", "boss"), to_carl).then("StepCompleted", "StepStarted")
    order = RoleOrder(roles=("boss", "clerk"), higher_may_act=(StepSelector(),))
    named(CLERK, to_carl, role_order=order).then("StepCompleted", "StepStarted")
    run = Story(playbook(CLERKS, CLERKS, MANAGED)).started()
    run.when(ReassignStep(caller=MOVER, signal_id="s", step_id="step_003", assignee="carl"))
    run.completes(1, CLERK, next_step_assignments={"step_003": ["carl"]}).then("StepCompleted", "StepStarted")


def test_a_completion_takes_no_open_step_from_whoever_has_it() -> None:
    side = {**CLERKS, "parallel_allowed": True}
    to_carl = {"step_002": ["carl"]}

    def begun(**policies: Any) -> Story:
        run = Story(playbook(side, side), OrganizationPolicies(**policies)).started()
        return run.when(ClaimStep(caller=CORA, step_id="step_002"))

    begun().completes(1, CLERK, next_step_assignments=to_carl).refused(Code.FORBIDDEN, "is assigned to cora")
    both = {"step_002": ["cora", "carl"]}
    begun().completes(1, CLERK, next_step_assignments=both).then("StepCompleted", "StepOffered")
    begun().completes(1, CORA, next_step_assignments=to_carl).then("StepCompleted", "StepAssigned")
    mover = somebody("carl", "clerk", permissions=("step:complete", "run:update"))
    begun().completes(1, mover, next_step_assignments=to_carl).then("StepCompleted", "StepAssigned")
    lent = Delegation(delegator="cora", substitute="carl", starts_at=NOON, ends_at=NOON + HOUR)
    stands_in = begun(delegations={"dlg": lent}).completes(1, CLERK, next_step_assignments=to_carl)
    stands_in.then("StepCompleted", "StepAssigned")


@pytest.mark.parametrize(
    ("users", "field"),
    [([""], "[0]"), (["ann", "  "], "[1]"), (["u" * 201], "[0]"), ([f"u{n}" for n in range(101)], "")],
)
def test_users_who_are_none_and_too_many_are_refused(users: list[str], field: str) -> None:
    run = Story(playbook({}, {})).started().completes(1, next_step_assignments={"step_002": users})
    refused = run.refused(Code.VALIDATION_ERROR)
    assert refused.details["field"] == f"completion.next_step_assignments.step_002{field}"
