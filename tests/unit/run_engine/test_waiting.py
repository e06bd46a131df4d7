"""What a run says of what it waits for."""

from typing import Any

from contracts.commands import PauseRun, UpdateData
from contracts.policies import (
    Delegation,
    OrganizationPolicies,
    RoleOrder,
    SegregationOfDuties,
    SeparateSteps,
    StepSelector,
)
from services.run_engine.domain.plan import plan_of
from services.run_engine.domain.views import masked_run, step_view, waiting_view
from tests.unit.run_engine.story import ALICE, NOON, Story, playbook, somebody, trial

PAID = {"field": "paid", "operator": "=", "value": True}
SIGNED = {"field": "signed", "operator": "exists"}


def why(story: Story) -> dict[str, Any]:
    return waiting_view(story.state, story.situation)


def test_for_a_person() -> None:
    view = why(trial({"assignee_roles": ["clerk"], "timeout_minutes": 5}, {}))
    person, later = view["waits_for"]
    assert (person["kind"], person["assignee_roles"], person["since"]) == (
        "person",
        ["clerk"],
        "2024-01-15T12:00:00.000Z",
    )
    assert person["due_at"] == "2024-01-15T12:05:00.000Z"
    assert view["summary"] == "A holder of clerk completes step_001 (A)"
    assert (later["kind"], later["steps"]) == ("steps", ["step_001"])


def test_for_conditions_each_as_it_came_out() -> None:
    waits = {"conditions": {"pre": [SIGNED, PAID]}}
    story = trial({}, waits).completes(1, data={"signed": "yes"}).when(UpdateData(caller=ALICE, data={"paid": False}))
    (wait,) = why(story)["waits_for"]
    assert wait["explanation"].startswith("step_002 (B) waits for its conditions to hold: ")
    assert [row["met"] for row in wait["conditions"]] == [True, False]
    assert (wait["conditions"][1]["actual_value"], wait["conditions"][1]["condition"]) == (False, PAID)
    assert wait["since"] == "2024-01-15T12:00:00.000Z"


def test_for_a_machine() -> None:
    (wait,) = why(trial({"step_type": "automated"}))["waits_for"]
    assert (wait["kind"], wait["attempt_number"]) == ("automation", 1) and wait["job_id"]


def test_for_somebody_to_resume_it_or_to_try_again() -> None:
    until = NOON.replace(hour=18)
    (wait,) = why(trial({}).when(PauseRun(caller=ALICE, signal_id="p", pause_until=until)))["waits_for"]
    assert (wait["kind"], wait["until"]) == ("resume", "2024-01-15T18:00:00.000Z")
    (wait,) = why(trial({}).completes(1, outcome="failure"))["waits_for"]
    assert (wait["kind"], wait["step_id"]) == ("retry", "step_001")


def test_for_votes() -> None:
    board = {"step_type": "approval", "metadata": {"voting_threshold": 1, "committee_size": 2}}
    story = trial({}, board).completes(1).completes(2, somebody("ann"), outcome="approve")
    (wait,) = why(story)["waits_for"]
    assert (wait["approved_by"], wait["approvals"]["required"], wait["approvals"]["approved"]) == (["ann"], 2, 1)
    told = "Anyone who may complete steps votes on step_002 (B), which has 1 of 2 approvals"
    assert wait["explanation"] == told


def test_for_the_roles_of_a_matrix_that_have_not_approved() -> None:
    step = {"step_type": "approval", "assignee_roles": ["clerk"],
            "metadata": {"approval_matrix": {"over_0": ["vp", "cfo"]}}}  # fmt: skip
    story = trial(step)
    assert why(story)["summary"] == "A holder of vp or cfo votes on step_001 (A), which has 0 of 2 approvals"
    (wait,) = why(story.completes(1, somebody("v", "vp"), outcome="approve"))["waits_for"]
    assert wait["explanation"] == "Another holder of cfo votes on step_001 (A), which has 1 of 2 approvals"
    assert (wait["approvals"]["missing_roles"], wait["assignee_roles"]) == (["cfo"], ["clerk", "vp", "cfo"])


def test_for_everybody_who_may_act_and_not_for_who_may_not() -> None:
    """Substitutes for a role, higher roles, and whom segregation of duties keeps away."""
    lent = Delegation(delegator="carl", substitute="susi", delegator_roles=("clerk",), starts_at=NOON,
                      ends_at=NOON.replace(hour=23))  # fmt: skip
    rule = SeparateSteps.model_validate({"type": "separate_steps", "name": "apart", "steps": [{}]})
    policies = OrganizationPolicies(
        delegations={"dlg": lent},
        role_order=RoleOrder(roles=("intern", "clerk", "boss"), higher_may_act=(StepSelector(name="B"),)),
        segregation_of_duties=SegregationOfDuties(rules=(rule,)),
    )
    story = Story(playbook({}, {"assignee_roles": ["clerk"]}), policies).started().completes(1)
    (wait,) = why(story)["waits_for"]
    assert (wait["substitutes"], wait["higher_roles"], wait["barred"]) == (["susi"], ["boss"], ["alice"])
    told = "A holder of clerk completes step_002 (B); segregation of duties keeps it from alice"
    assert wait["explanation"] == told
    plain = why(trial({"assignee_roles": ["clerk"]}))["waits_for"][0]
    assert not {"substitutes", "higher_roles", "barred", "approvals"} & set(plain)


def test_for_nothing() -> None:
    assert why(trial({}).completes(1))["summary"] == "Nothing: the run is completed"


def test_what_a_form_hides_is_not_told_as_the_value_that_was_looked_at() -> None:
    form = {"metadata": {"form_fields": [{"name": "ssn", "type": "text", "encrypted": True}]}}
    condition = {"field": "ssn", "operator": "=", "value": "9"}
    waits = {"conditions": {"pre": [{"operator": "or", "conditions": [condition]}]}}
    alone = {"conditions": {"pre": [condition]}}
    story = trial(form, {**waits, "parallel_allowed": True}, {**alone, "parallel_allowed": True})
    story.completes(1, data={"ssn": "123-45"})
    plan = plan_of(story.definition)
    shown = masked_run(story.state, plan)
    first = step_view(shown, shown.steps["step_001"], plan.by_id["step_001"])
    assert "123-45" not in str(waiting_view(shown, story.situation)) + str(first)
    assert "123-45" in str(why(story))


def test_a_step_tells_its_attempts() -> None:
    options = {"step_type": "approval", "metadata": {"approval_options": [{"action": "back", "return_to_step": 1}]}}
    story = trial({}, options).completes(1).completes(2, outcome="back")
    view = step_view(story.state, story.step(1), story.situation.plan.by_id["step_001"])
    assert [(row["attempt"], row["status"]) for row in view["attempts"]] == [(1, "completed"), (2, "in_progress")]
