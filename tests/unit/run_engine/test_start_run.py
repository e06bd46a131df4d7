from datetime import timedelta

from contracts.policies import FinancialControls, OrganizationPolicies
from contracts.rejections import Code
from tests.unit.run_engine.story import ALICE, Story, playbook, somebody, trial


def test_starts_the_first_step_for_whoever_triggered_the_run() -> None:
    story = trial({}, {}, start={"context": {"triggered_by": "bob"}}).then("RunCreated", "StepStarted")
    assert (story.step(1).assigned_to, story.event("StepStarted").actor.id) == ("bob", "alice")


def test_starts_the_first_step_for_the_caller_where_nobody_is_named() -> None:
    assert trial({}).step(1).assigned_to == "alice"


def test_gives_a_step_with_roles_to_nobody_yet() -> None:
    assert trial({"assignee_roles": ["nurse"]}).step(1).assigned_to is None


def test_refuses_a_run_that_exists() -> None:
    trial({}).started().refused(Code.CONFLICT, "exists already")


def test_refuses_a_playbook_of_another_organization() -> None:
    story = Story(playbook({}).model_copy(update={"organization_id": "org_2"}))
    story.started().refused(Code.ORGANIZATION_MISMATCH)


def test_completes_a_playbook_without_steps_at_once() -> None:
    assert trial().then("RunCreated", "RunCompleted").state.outcome == "success"


def test_checks_the_financial_controls_again() -> None:
    steps = playbook({"step_type": "automated", "automation_config": {"auto_approve_limit": 60_000}})
    strict = OrganizationPolicies(financial_controls=FinancialControls(auto_approve_limit=50_000))
    details = Story(steps, strict).started().refused(Code.POLICY_VIOLATION).details
    assert (details["max_allowed"], details["requested"]) == (50_000, 60_000)
    assert details["remediation"] == "Automated approvals cannot exceed $50,000 without manual oversight"


def test_asks_for_a_job_when_the_first_step_is_automated() -> None:
    story = trial({"step_type": "automated"}).then("RunCreated", "StepStarted", "AutomationRequested")
    assert (story.step(1).job_id, story.step(1).assigned_to) == ("run_1:step_001:1:1", None)


def test_starts_a_group_of_parallel_steps_together_and_a_lone_one_in_its_turn() -> None:
    both = trial({"parallel_allowed": True}, {"parallel_allowed": True}, {}, {"parallel_allowed": True})
    assert both.statuses() == ["in_progress", "in_progress", "pending", "pending"]
    assert both.completes(1).completes(2).statuses() == ["completed", "completed", "in_progress", "pending"]


def test_starts_steps_of_one_sequence_number_together() -> None:
    assert trial({"sequence": 1}, {"sequence": 1}, {"sequence": 2}).statuses() == ["in_progress"] * 2 + ["pending"]


def test_a_named_step_takes_the_place_of_all_earlier_ones() -> None:
    after_first = {"conditions": {"pre": [{"step": 1, "status": "completed"}]}}
    assert trial({}, {}, after_first).completes(1).statuses() == ["completed", "in_progress", "in_progress"]


def test_a_choice_of_named_steps_waits_for_the_first_of_them_only() -> None:
    either = [{"step": 1, "status": "completed"}, {"step": 2, "status": "completed"}]
    joined = {"conditions": {"pre": [{"operator": "or", "conditions": either}]}}
    story = trial({"parallel_allowed": True}, {"parallel_allowed": True}, joined)
    assert story.completes(2).statuses() == ["in_progress", "completed", "in_progress"]


def test_the_clock_of_the_run_follows_from_the_playbook() -> None:
    story = trial({}, sla_hours=48)
    assert story.state.due_at == story.step(1).due_at == story.now + timedelta(hours=48)


def test_an_end_in_time_meets_the_sla_and_a_late_one_misses_it() -> None:
    assert trial({}, sla_hours=1).completes(1).event("RunCompleted").sla_met is True
    assert trial({}, sla_hours=1).after(hours=2).completes(1).event("RunCompleted").sla_met is False
    assert trial({}).completes(1, ALICE).event("RunCompleted").sla_met is None


def test_takes_priority_from_the_context() -> None:
    assert trial({}, start={"context": {"priority": "high"}}).state.priority == "high"
    assert trial({}, start={"caller": somebody("x")}).state.priority == "normal"


def test_a_step_looks_at_what_has_just_become_of_the_step_that_it_names() -> None:
    """Also where another one has looked before: that B was pending is no longer so once it has started."""
    while_pending = {"parallel_allowed": True, "conditions": {"pre": [{"step": 2, "status": "pending"}]}}
    story = trial(while_pending, {"parallel_allowed": True}, while_pending)
    assert story.statuses() == ["in_progress", "in_progress", "pending"]
    assert story.completes(2).statuses() == ["in_progress", "completed", "blocked"]
