"""Segregation of duties: what one user may not both do."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.commands import ClaimStep
from contracts.definitions import StepDefinition
from contracts.policies import Delegation, FourEyes, OrganizationPolicies, SegregationOfDuties, SeparateSteps
from contracts.rejections import Code
from services.run_engine.domain import segregation
from services.run_engine.domain.segregation import barred_from, separated
from services.run_engine.domain.selecting import is_among
from services.run_engine.domain.trial import violations
from services.run_engine.domain.views import completion_view
from tests.unit.run_engine.story import ADMIN, ALICE, NOON, Story, playbook, somebody

BOB, CARL = somebody("bob", "any"), somebody("carl", "any")
ANYBODY = {"assignee_roles": ["any"]}


def under(*rules: SeparateSteps | FourEyes, **more: Any) -> OrganizationPolicies:
    return OrganizationPolicies(segregation_of_duties=SegregationOfDuties(rules=rules), **more)


def separate(*selectors: dict[str, Any]) -> SeparateSteps:
    return SeparateSteps.model_validate({"type": "separate_steps", "name": "apart", "steps": selectors})


def four_eyes(*selectors: dict[str, Any], **more: Any) -> FourEyes:
    return FourEyes.model_validate({"type": "four_eyes", "name": "four eyes", "steps": selectors, **more})


def test_who_did_one_may_not_do_the_other() -> None:
    story = Story(playbook(ANYBODY, {}, ANYBODY), under(separate({"name": "A"}, {"name": "C"}))).started()
    story.completes(1, BOB).completes(2, BOB).then("StepCompleted", "StepStarted")
    refused = story.completes(3, BOB).refused(Code.FORBIDDEN, "step_003 is not for bob, who had a hand in step_001")
    assert refused.details == {
        "step": "step_003", "policy": "segregation_of_duties", "rule": "apart", "user": "bob",
        "conflicting_step": "step_001", "resolution": "Somebody else must complete step_003",
    }  # fmt: skip
    story.when(ClaimStep(caller=BOB, step_id="step_003")).refused(Code.FORBIDDEN, "not for bob")
    for caller, may in ((BOB, False), (CARL, True)):
        shown = completion_view(story.state, story.situation, "step_003", [], caller)["next_steps"][0]
        assert shown["can_complete"] is may
    story.completes(3, CARL).then("StepCompleted", "RunCompleted")


def test_it_holds_in_both_orders_where_steps_are_open_together() -> None:
    side = {**ANYBODY, "parallel_allowed": True}
    for first, second in ((1, 2), (2, 1)):
        story = Story(playbook(side, side), under(separate({}))).started().completes(first, BOB)
        story.completes(second, BOB).refused(Code.FORBIDDEN)
        story.completes(second, CARL).then("StepCompleted", "RunCompleted")


@pytest.mark.parametrize("start", [{"caller": BOB}, {"context": {"triggered_by": "bob"}}])
def test_who_started_the_run_may_not_approve_it(start: dict[str, Any]) -> None:
    approval = {"step_type": "approval", **ANYBODY}
    rule = four_eyes({"step_type": "approval"}, run_starter=True)
    story = Story(playbook(ANYBODY, approval), under(rule)).started(**start).completes(1, BOB)
    assert story.completes(2, BOB, outcome="approve").refused(Code.FORBIDDEN, "who started the run")
    story.completes(2, CARL, outcome="approve").then("StepCompleted", "RunCompleted")


def test_four_eyes_bars_one_way_only() -> None:
    side = {**ANYBODY, "parallel_allowed": True}
    policies = under(four_eyes({"name": "B"}, done=[{"name": "A"}]))
    Story(playbook(side, side), policies).started().completes(1, BOB).completes(2, BOB).refused(Code.FORBIDDEN)
    Story(playbook(side, side), policies).started().completes(2, BOB).completes(1, BOB).then(
        "StepCompleted", "RunCompleted"
    )


def test_a_rule_is_for_its_playbooks_only() -> None:
    for prefix, barred in (("HERA.TEST", True), ("HERA.TE", False), ("HERA.FIN", False)):
        rule = separate({"playbook": prefix})
        story = Story(playbook(ANYBODY, ANYBODY), under(rule)).started().completes(1, BOB).completes(2, BOB)
        story.refused(Code.FORBIDDEN) if barred else story.then("StepCompleted", "RunCompleted")


def test_a_vote_is_a_hand_in_it() -> None:
    board = {"step_type": "approval", **ANYBODY, "metadata": {"voting_threshold": 0.6, "committee_size": 3}}
    story = Story(playbook(board, ANYBODY), under(separate({}))).started()
    story.completes(1, BOB, outcome="reject").completes(1, BOB, outcome="approve").completes(1, CARL, outcome="approve")
    for caller in (BOB, CARL):
        story.completes(2, caller).refused(Code.FORBIDDEN)


def test_work_that_was_sent_back_is_not_forgotten() -> None:
    review = {**ANYBODY, "step_type": "approval",
              "metadata": {"approval_options": [{"action": "back", "return_to_step": 1}]}}  # fmt: skip
    story = Story(playbook(ANYBODY, review), under(separate({}))).started()
    story.completes(1, BOB).completes(2, CARL, outcome="back").completes(1, CARL).refused(Code.FORBIDDEN)
    story.completes(1, ADMIN).completes(2, BOB).refused(Code.FORBIDDEN)


def test_neither_a_substitute_nor_an_override_goes_round_it() -> None:
    lent = Delegation(delegator="bob", substitute="susi", delegator_roles=("any",), starts_at=NOON,
                      ends_at=NOON.replace(hour=23))  # fmt: skip
    policies = under(separate({}), delegations={"dlg": lent})
    story = Story(playbook(ANYBODY, ANYBODY), policies).started().completes(1, somebody("susi"))
    story.completes(2, BOB).refused(Code.FORBIDDEN, "not for bob")
    story.completes(2, somebody("susi", "any")).refused(Code.FORBIDDEN, "not for susi")
    story = Story(playbook(ANYBODY, ANYBODY), policies).started().completes(1, BOB)
    story.completes(2, ADMIN, completed_by="bob").refused(Code.FORBIDDEN, "not for bob")
    story = Story(playbook(ANYBODY, ANYBODY), policies).started().completes(1, ADMIN, completed_by="dora")
    story.completes(2, ADMIN).refused(Code.FORBIDDEN)


def test_who_gave_up_had_a_hand_in_it_too() -> None:
    lent = Delegation(delegator="bob", substitute="susi", delegator_roles=("any",), starts_at=NOON,
                      ends_at=NOON.replace(hour=23))  # fmt: skip
    optional = {**ANYBODY, "is_required": False}
    policies = under(separate({}), delegations={"dlg": lent})
    for gives_up, named in ((somebody("susi"), None), (ADMIN, "dora")):
        story = Story(playbook(optional, ANYBODY), policies).started()
        story.completes(1, gives_up, outcome="failure", completed_by=named).then("StepFailed", "StepStarted")
        for caller in {somebody("susi"): (BOB, somebody("susi", "any")), ADMIN: (ADMIN,)}[gives_up]:
            story.completes(2, caller).refused(Code.FORBIDDEN, "had a hand in step_001")


selectors = st.lists(
    st.sampled_from([{}, {"name": "A"}, {"name": "B"}, {"step_type": "approval"}]), min_size=1, max_size=2
)
rules = st.one_of(
    selectors.map(lambda chosen: separate(*chosen)),
    st.builds(
        lambda steps, done, starter: four_eyes(*steps, done=done, run_starter=starter),
        selectors, selectors, st.booleans(),
    ),
)  # fmt: skip


@settings(max_examples=60)
@given(st.lists(rules, max_size=3), st.lists(st.sampled_from(["alice", "bob", "carl"]), max_size=3))
def test_who_is_said_to_be_barred_is_who_is_refused(policy: list[SeparateSteps | FourEyes], voters: list[str]) -> None:
    board = {"step_type": "approval", **ANYBODY, "parallel_allowed": True,
             "metadata": {"voting_threshold": 1, "committee_size": 5}}  # fmt: skip
    story = Story(playbook(board, {**ANYBODY, "parallel_allowed": True}), under(*policy)).started()
    for number, name in enumerate(voters, 1):
        story.completes(1 + number % 2, somebody(name, "any"), outcome="approve" if number % 2 else "success")
    for step in story.state.steps.values():
        refused = [u for u in ("alice", "bob", "carl") if separated(story.state, step, {u}, story.situation)]
        assert barred_from(step.step_id, story.state, story.situation) == refused


def test_a_rule_is_held_against_each_step_once_however_many_steps_are_looked_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Else a trial of five rules on one run of a thousand steps stops an engine for half a minute."""
    looks: list[str] = []

    def counted(selectors: Any, code: str, step: StepDefinition) -> bool:
        looks.append(step.step_id)
        return is_among(selectors, code, step)

    monkeypatch.setattr(segregation, "is_among", counted)
    steps = [{**ANYBODY, "parallel_allowed": True, "name": f"S{number}"} for number in range(60)]
    story = Story(playbook(*steps), under(*(four_eyes({}, done=[{}]) for _ in range(3)))).started()
    for number in range(1, 31):
        story.completes(number, somebody(f"user_{number}", "any")).then("StepCompleted")
    assert violations("segregation_of_duties", story.state, story.situation) == []
    completion_view(story.state, story.situation, "step_001", [], BOB)
    assert len(looks) == 3 * 2 * 60


def test_a_machine_is_nobody() -> None:
    story = Story(playbook({"step_type": "automated"}, ANYBODY), under(separate({}))).started()
    story.answers(1).completes(2, BOB).then("StepCompleted", "RunCompleted")


def test_without_a_rule_one_may_do_it_all() -> None:
    Story(playbook(ANYBODY, ANYBODY)).started(ALICE).completes(1, BOB).completes(2, BOB).then(
        "StepCompleted", "RunCompleted"
    )
