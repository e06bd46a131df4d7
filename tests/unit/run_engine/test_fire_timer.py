from typing import Any

from contracts.commands import FireTimer
from contracts.rejections import Code
from contracts.values import SYSTEM_CALLER
from tests.unit.run_engine.story import somebody, trial

OVERDUE = "overdue:step_001:1"


def timed(**more: Any) -> dict[str, Any]:
    return {"timeout_minutes": 30, **more}


def test_marks_the_step_overdue_and_leaves_the_work_open() -> None:
    story = trial(timed()).fires(OVERDUE).then("StepOverdue")
    assert (story.step(1).sla_breached, story.step(1).status, story.state.timers) == (True, "in_progress", ())
    assert story.completes(1).event("StepCompleted").sla_breached


def test_fails_or_skips_the_work_only_where_the_step_says_so() -> None:
    trial(timed(on_timeout="fail")).fires(OVERDUE).then("StepOverdue", "StepFailed", "RunFailed")
    trial(timed(metadata={"on_timeout": "skip"})).fires(OVERDUE).then("StepOverdue", "StepSkipped", "RunCompleted")


def test_escalates_at_its_hour() -> None:
    step = {"assignee_roles": ["m"], "metadata": {"escalation": {"after_hours": 4, "escalate_to": ["vp", "m"]}}}
    story = trial(step).fires("escalation:step_001:1").then("StepEscalated")
    assert (story.event("StepEscalated").roles_added, story.event("StepEscalated").actor.id) == (["vp"], "system")
    story.completes(1, somebody("v", "vp")).then("StepCompleted", "RunCompleted")


def test_escalates_when_overdue_where_no_hour_is_named() -> None:
    story = trial(timed(metadata={"escalation": {"escalate_to": ["vp"]}})).fires(OVERDUE)
    story.then("StepOverdue", "StepEscalated")


def test_the_automation_service_has_a_quarter_of_an_hour_to_wait_for_a_host() -> None:
    story = trial({"step_type": "automated", "automation_config": {"timeout_seconds": 10, "api_endpoint": "/x"}})
    assert (story.state.timers[0].due_at - story.now).total_seconds() == 10 + 15 * 60


def test_a_job_without_an_answer_in_time_is_tried_again() -> None:
    story = trial({"step_type": "automated", "automation_config": {"timeout_seconds": 10}})
    story.fires("timeout:step_001:1:1").then("AutomationAttemptFailed")
    story.fires("retry:step_001:1:1").then("AutomationRequested")
    assert (story.step(1).job_id, story.step(1).job_attempt) == ("run_1:step_001:1:2", 2)


def test_refuses_a_timer_that_is_gone_or_not_due() -> None:
    trial({}).fires("overdue:step_009:1").refused(Code.INVALID_STATE, "no longer set")
    early = FireTimer(caller=SYSTEM_CALLER, timer_id=OVERDUE)
    trial(timed()).when(early).refused(Code.INVALID_STATE, "but it is due")
    trial(timed(), {}).completes(1).when(early).refused(Code.INVALID_STATE, "no longer set")
