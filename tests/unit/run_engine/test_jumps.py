"""Where the options of an approval lead: back to earlier work, or ahead over what lies between."""

from typing import Any

from contracts.commands import ReassignStep
from tests.unit.run_engine.story import ADMIN, Story, somebody, trial

BACK_TO = "return_to_step"


def review(**jump: Any) -> dict[str, Any]:
    """An approval that takes `go` for its jump."""
    return {
        "step_type": "approval",
        "metadata": {"approval_options": [{"action": "approve"}, {"action": "go", **jump}]},
    }


def waits_for(*steps: int) -> dict[str, Any]:
    return {"conditions": {"pre": [{"step": step, "status": "completed"} for step in steps]}}


def done(story: Story, *numbers: int) -> Story:
    for number in numbers:
        story.completes(number, ADMIN)
    return story


def test_all_steps_of_the_number_are_taken_up_again() -> None:
    story = done(trial({"sequence": 1}, {"sequence": 1}, {"sequence": 2, **review(return_to_step=1)}), 1, 2)
    story.completes(3, ADMIN, outcome="go").then("StepCompleted", "StepsReturned", "StepStarted", "StepStarted")
    assert story.statuses() == ["in_progress", "in_progress", "pending"]
    assert [story.step(number).attempt for number in (1, 2, 3)] == [2, 2, 1]


def test_what_waits_for_the_step_by_name_comes_after_it_whatever_its_number() -> None:
    story = trial({}, waits_for(3), {"conditions": {"pre": [{"step": 1}]}}, waits_for(2), {**review(return_to_step=3)})
    done(story, 1, 3, 2, 4).completes(5, ADMIN, outcome="go")
    story.then("StepCompleted", "StepsReturned", "StepStarted")
    assert story.statuses() == ["completed", "pending", "in_progress", "pending", "pending"]
    done(story, 3).then("StepCompleted", "StepStarted")
    assert story.step(2).status == "in_progress"


def test_what_came_before_stays_done_and_what_was_done_stays_in_the_history() -> None:
    story = done(trial({}, {}, review(return_to_step=2)), 1, 2).completes(
        3, ADMIN, outcome="go", data={"why": "unclear"}
    )
    assert story.statuses() == ["completed", "in_progress", "pending"]
    assert [(a.attempt, a.status) for a in story.step(2).history] == [(1, "completed")]
    assert [(a.attempt, a.outcome) for a in story.step(3).history] == [(1, "go")]
    story.completes(2, ADMIN).completes(3, ADMIN, outcome="go")
    assert (story.step(2).attempt, len(story.step(3).history)) == (3, 2)


def test_whoever_worked_on_a_step_gets_it_back() -> None:
    story = trial({"assignee_roles": ["r"]}, review(return_to_step=1))
    story.when(ReassignStep(caller=ADMIN, signal_id="s", step_id="step_001", assignee="ann"))
    story.completes(1, somebody("ann")).completes(2, ADMIN, outcome="go")
    assert (story.step(1).assigned_to, story.step(1).status) == ("ann", "in_progress")


def test_a_machine_is_asked_again_and_its_old_answer_changes_nothing() -> None:
    machine = {"step_type": "automated", "is_required": False}
    story = trial({}, {**machine, "sequence": 3}, {"sequence": 3, **review(return_to_step=1)})
    job = story.completes(1, ADMIN).step(2).job_id
    story.completes(3, ADMIN, outcome="go").then("StepCompleted", "StepsReturned", "StepStarted")
    assert (story.step(2).status, story.step(2).job_id) == ("pending", None)
    story.completes(1, ADMIN).then("StepCompleted", "StepStarted", "AutomationRequested", "StepStarted")
    assert story.step(2).job_id != job


def test_ahead_skips_what_lies_between_open_or_not_and_nothing_else() -> None:
    beside = {"parallel_allowed": True}
    story = trial({**review(next_step=4), **beside}, beside, beside, {}).completes(1, ADMIN, outcome="go")
    story.then("StepCompleted", "StepSkipped", "StepSkipped", "StepStarted")
    assert story.statuses() == ["completed", "skipped", "skipped", "in_progress"]
    assert story.event("StepSkipped").reason == "step_001 went on to step 4"


def test_a_jump_ahead_does_not_pass_over_the_pre_conditions_of_where_it_leads() -> None:
    asks = {"conditions": {"pre": [{"field": "x", "operator": "exists"}]}}
    story = trial(review(next_step=3), {}, asks).completes(1, ADMIN, outcome="go")
    assert (story.statuses(), story.state.status) == (["completed", "skipped", "blocked"], "blocked")
