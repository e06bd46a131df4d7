"""When steps are due, overdue, escalated and reminded of, around the clock and in business hours."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from contracts.calendars import WEEKDAYS, CalendarUse, NamedCalendar
from contracts.commands import EscalateStep, PauseRun, ResumeRun, RetryStep
from contracts.events import RunResumed
from contracts.policies import OrganizationPolicies
from services.run_engine.domain.evolve import evolve
from services.run_engine.domain.views import run_view
from tests.unit.run_engine.story import ADMIN, ALICE, NOON, Story, office, playbook, somebody, trial

PAUSE, RESUME = PauseRun(caller=ALICE, signal_id="p"), ResumeRun(caller=ALICE, signal_id="r")


def in_berlin(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Europe/Berlin")).astimezone(UTC)


def office_trial(
    *steps: dict[str, Any], start: str = "2024-01-19T16:00", calendars: tuple[NamedCalendar, ...] = (office(),),
    **metadata: Any,
) -> Story:  # fmt: skip
    """A run that starts on a Friday, an hour before the office closes."""
    policies = OrganizationPolicies(calendars={c.name: c for c in calendars})
    story = Story(playbook(*steps, **metadata), policies)
    story.now = in_berlin(start)
    return story.started()


def reminding(*reminders: dict[str, float], **step: Any) -> dict[str, Any]:
    return {"metadata": {"reminders": list(reminders)}, **step}


def test_reminds_before_the_due_date_and_leaves_the_work_as_it_is() -> None:
    story = trial(reminding({"before_minutes": 10}, timeout_minutes=60), start={"context": {"triggered_by": "ann"}})
    story.fires("reminder:step_001:1:0").then("ReminderDue")
    told = story.event("ReminderDue")
    assert (told.at, told.due_at, told.assigned_to) == (NOON + timedelta(minutes=50), NOON + timedelta(hours=1), "ann")
    assert not story.step(1).overdue
    story.fires("overdue:step_001:1").then("StepOverdue")
    assert not story.state.timers


def test_several_reminders_fire_each_once_and_end_with_the_step() -> None:
    story = trial(reminding({"before_hours": 2}, {"before_minutes": 30}, timeout_minutes=240), {})
    story.fires("reminder:step_001:1:0").then("ReminderDue")
    story.fires("reminder:step_001:1:0").refused(story.answer.code)  # type: ignore[union-attr]
    story.completes(1)
    assert not story.state.timers


def test_a_step_takes_the_playbooks_reminders_unless_it_has_its_own() -> None:
    reminders = [{"before_minutes": 10}]
    story = trial({"timeout_minutes": 60}, {**reminding(timeout_minutes=60)}, reminders=reminders)
    assert [t.kind for t in story.state.timers] == ["step_overdue", "reminder"]
    assert [t.kind for t in story.completes(1).state.timers] == ["step_overdue"]


def test_nobody_is_reminded_before_the_start_or_of_what_is_never_due() -> None:
    assert [t.kind for t in trial(reminding({"before_hours": 2}, timeout_minutes=60)).state.timers] == ["step_overdue"]
    assert not trial(reminding({"before_hours": 2})).state.timers


@pytest.mark.parametrize(("severity", "minutes"), [("P1", 15), ("P2", 30), ("P3", 20), (None, 20), (1, 20)])
def test_the_response_time_of_the_runs_severity_comes_before_the_time_out(severity: Any, minutes: float) -> None:
    step = {"timeout_minutes": 20, "metadata": {"response_sla": {"P1": 15, "P2": 30}}}
    story = trial(step, start={"initial_data": {"severity": severity}})
    due = NOON + timedelta(minutes=minutes)
    assert (story.step(1).due_at, story.state.timers[0].due_at) == (due, due)


def test_what_a_step_before_it_found_out_is_its_severity() -> None:
    story = trial({}, {"metadata": {"response_sla": {"P1": 15}}}, sla_hours=48).completes(1, data={"severity": "P1"})
    assert story.step(2).due_at == NOON + timedelta(minutes=15)


def test_an_overdue_step_is_escalated_by_itself_to_the_next_roles_of_the_playbook() -> None:
    steps: list[dict[str, Any]] = [
        {"assignee_roles": ["engineer"], "timeout_minutes": 15},
        {"assignee_roles": ["engineer"]},
        {"assignee_roles": ["engineer", "expert", "expert"]},
        {"assignee_roles": ["manager"]},
    ]
    story = trial(*steps, auto_escalation=True).fires("overdue:step_001:1").then("StepOverdue", "StepEscalated")
    assert (story.event("StepEscalated").roles_added, story.event("StepEscalated").reason) == (["expert"], "Overdue")
    story.completes(1, somebody("e", "expert")).then("StepCompleted", "StepStarted")
    trial(*steps).fires("overdue:step_001:1").then("StepOverdue")


def test_the_playbook_may_say_to_whom_it_escalates_by_itself() -> None:
    escalation = {"escalate_to": ["duty_manager"]}
    story = trial({"timeout_minutes": 15}, {"assignee_roles": ["x"]}, auto_escalation=True, escalation=escalation)
    assert story.fires("overdue:step_001:1").event("StepEscalated").roles_added == ["duty_manager"]


def test_a_step_with_an_escalation_of_its_own_keeps_to_it() -> None:
    own = {"timeout_minutes": 15, "metadata": {"escalation": {"after_hours": 4, "escalate_to": ["boss"]}}}
    story = trial(own, {"assignee_roles": ["x"]}, auto_escalation=True).fires("overdue:step_001:1").then("StepOverdue")
    assert story.fires("escalation:step_001:1").event("StepEscalated").roles_added == ["boss"]


def test_the_last_step_of_a_playbook_has_nobody_to_be_escalated_to_by_itself() -> None:
    trial({"timeout_minutes": 15}, auto_escalation=True).fires("overdue:step_001:1").then("StepOverdue")


def test_a_person_escalates_to_the_roles_that_the_playbook_would_by_itself() -> None:
    story = trial({"assignee_roles": ["x"]}, {"assignee_roles": ["y"]}, auto_escalation=True)
    story.when(EscalateStep(caller=ADMIN, signal_id="s", step_id="step_001")).then("StepEscalated")
    assert story.step(1).assignee_roles == ("x", "y")


def test_business_hours_count_for_the_run_the_step_its_escalation_and_its_reminders() -> None:
    metadata = {
        "escalation": {"after_hours": 2, "escalate_to": ["boss"]}, "reminders": [{"before_hours": 3}]
    }  # fmt: skip
    story = office_trial({"timeout_minutes": 240, "metadata": metadata}, sla_hours=9)
    assert story.state.due_at == in_berlin("2024-01-22T17:00") == story.step(1).due_at
    assert {t.kind: t.due_at for t in story.state.timers} == {
        "run_overdue": in_berlin("2024-01-22T17:00"),
        "step_overdue": in_berlin("2024-01-22T12:00"),
        "escalation": in_berlin("2024-01-22T10:00"),
        "reminder": in_berlin("2024-01-22T14:00"),
    }
    assert story.event("StepStarted").calendar == CalendarUse(name="default", revision=3)
    assert story.event("RunCreated").calendar == CalendarUse(name="default", revision=3)


def test_a_step_counts_by_its_own_calendar_else_by_its_playbooks_else_by_the_default() -> None:
    shift = office("night", hours=dict.fromkeys(WEEKDAYS, ("20:00-24:00",)))
    steps: list[dict[str, Any]] = [
        {"timeout_minutes": 60, "metadata": {"calendar": "24x7"}},
        {"timeout_minutes": 60, "metadata": {"calendar": "default"}},
        {"timeout_minutes": 60},
    ]
    story = office_trial(*steps, calendars=(office(), shift), start="2024-01-20T12:00", calendar="night")
    assert (story.step(1).due_at, story.step(1).calendar) == (in_berlin("2024-01-20T13:00"), None)
    assert story.completes(1).step(2).due_at == in_berlin("2024-01-22T10:00")
    assert story.completes(2).step(3).due_at == in_berlin("2024-01-20T21:00")


def test_without_a_calendar_every_hour_counts() -> None:
    story = office_trial({"timeout_minutes": 120}, calendars=(office("berlin"),))
    assert story.step(1).due_at == story.now + timedelta(hours=2)
    assert office_trial({"timeout_minutes": 120}, calendar="gone").step(1).due_at == story.now + timedelta(hours=2)


def test_after_a_pause_over_the_weekend_the_business_time_that_was_left_counts_on() -> None:
    story = office_trial({"timeout_minutes": 120}, sla_hours=3)
    assert story.step(1).due_at == in_berlin("2024-01-22T11:00") == story.state.due_at
    story.now = in_berlin("2024-01-19T16:30")
    story.when(PAUSE)
    story.now = in_berlin("2024-01-22T10:00")
    story.when(RESUME).then("RunResumed")
    assert story.step(1).due_at == in_berlin("2024-01-22T12:30") == story.state.due_at
    assert [timer.due_at for timer in story.state.timers] == [
        in_berlin("2024-01-22T12:30"), in_berlin("2024-01-22T11:30"),
    ]  # fmt: skip
    assert story.completes(1).event("StepCompleted").duration_minutes == 30


def test_a_pause_outside_of_business_hours_moves_nothing() -> None:
    story = office_trial({"timeout_minutes": 120})
    due = story.step(1).due_at
    story.now = in_berlin("2024-01-20T10:00")
    story.when(PAUSE).after(hours=8).when(RESUME)
    assert (story.step(1).due_at, story.state.timers[0].due_at) == (due, due)


def test_a_machines_timers_know_no_business_hours() -> None:
    automated = {"step_type": "automated", "automation_config": {"timeout_seconds": 600}}
    story = office_trial(automated, start="2024-01-20T10:00")
    assert story.state.timers[0].due_at == in_berlin("2024-01-20T10:10")
    story.when(PAUSE).after(hours=1).when(RESUME)
    assert story.state.timers[0].due_at == in_berlin("2024-01-20T11:10")


def test_a_resumed_run_counts_by_the_calendar_as_it_is_then_and_says_which() -> None:
    story = office_trial({"timeout_minutes": 120})
    story.when(PAUSE)
    story.policies = OrganizationPolicies(calendars={"default": office(revision=4)})
    dates = story.when(RESUME).event("RunResumed").dates
    assert dates.steps["step_001"].calendar == CalendarUse(name="default", revision=4) == story.step(1).calendar


def test_dates_that_were_reckoned_around_the_clock_stay_so_after_a_calendar_is_set() -> None:
    story = office_trial({"timeout_minutes": 240}, calendars=())
    due = story.step(1).due_at
    story.when(PAUSE)
    story.policies = OrganizationPolicies(calendars={"default": office()})
    story.after(hours=2).when(RESUME)
    assert due is not None and story.step(1).due_at == due + timedelta(hours=2)


def test_an_sla_is_missed_by_business_hours() -> None:
    story = office_trial({}, sla_hours=3)
    story.now = in_berlin("2024-01-23T10:00")
    event = story.completes(1).event("RunCompleted")
    assert (event.sla_met, event.overrun_hours) == (False, 7)
    met = office_trial({}, sla_hours=3).after(hours=60).completes(1).event("RunCompleted")
    assert (met.sla_met, met.overrun_hours) == (True, None)


def test_work_that_falls_back_to_people_is_timed_from_then_and_due_when_the_step_was() -> None:
    config = {"fallback_to_manual": True, "retry_attempts": 0}
    step = {
        "step_type": "automated",
        "automation_config": config,
        **reminding({"before_minutes": 45}, timeout_minutes=60),
    }
    story = trial(step).after(minutes=10).answers(1, "failure").then("AutomationAttemptFailed", "AutomationFellBack")
    assert story.step(1).due_at == NOON + timedelta(minutes=60)
    assert {t.kind: t.due_at for t in story.state.timers} == {
        "step_overdue": NOON + timedelta(minutes=70), "reminder": NOON + timedelta(minutes=15),
    }  # fmt: skip


def test_older_events_of_a_resumed_run_move_dates_by_the_pause() -> None:
    story = trial({"timeout_minutes": 60}, sla_hours=4).when(PAUSE)
    due, by = story.state.due_at, timedelta(minutes=90)
    event = RunResumed(at=NOON + by, actor=ALICE.actor, steps=["step_001"], paused_seconds=by.total_seconds())
    after = evolve(story.state, event)
    assert due is not None and after.due_at == due + by
    assert [timer.due_at - NOON for timer in after.timers] == [timedelta(hours=5.5), timedelta(hours=2.5)]


def test_the_clock_of_a_paused_run_does_not_make_a_machines_answer_late() -> None:
    story = trial({"step_type": "automated", "timeout_minutes": 30}, {}).when(PAUSE)
    assert not story.after(hours=2).answers(1).event("StepCompleted").sla_breached


def test_a_step_that_everybody_may_work_on_stays_so_however_it_is_escalated() -> None:
    escalation = {"escalation": {"after_hours": 1, "escalate_to": ["boss"]}}
    story = trial({}, {"timeout_minutes": 15, "metadata": escalation}, auto_escalation=True).completes(1)
    assert story.fires("escalation:step_002:1").event("StepEscalated").roles_added == []
    story.when(EscalateStep(caller=ADMIN, signal_id="s", step_id="step_002", escalate_to=["boss"]))
    assert story.then("StepEscalated").event("StepEscalated").roles_added == []
    story.completes(2, somebody("anyone")).then("StepCompleted", "RunCompleted")


def test_a_run_beyond_its_sla_is_overdue_and_goes_on() -> None:
    story = trial({}, sla_hours=4)
    assert not story.state.sla_breached
    story.fires("run_overdue:0").then("RunOverdue")
    assert (story.event("RunOverdue").due_at, story.now) == (NOON + timedelta(hours=4), NOON + timedelta(hours=4))
    assert (story.state.sla_breached, story.state.status) == (True, "active")
    assert run_view(story.state, story.situation.plan)["sla_breached"]


def test_a_run_that_ends_late_has_missed_its_sla_although_its_timer_has_not_had_its_turn() -> None:
    story = trial({}, sla_hours=4).after(hours=5).completes(1)
    story.then("StepCompleted", "RunCompleted")
    assert (story.event("RunCompleted").sla_met, story.state.sla_breached) == (False, True)
    assert not trial({}, sla_hours=4).after(hours=3).completes(1).state.sla_breached


def test_a_calendar_whose_time_zone_has_changed_counts_what_is_left_by_its_new_hours() -> None:
    story = office_trial({"timeout_minutes": 120})
    assert story.step(1).due_at == in_berlin("2024-01-22T10:00")
    story.now = in_berlin("2024-01-19T16:30")  # 10:30 in New York, where six and a half hours of the day are to come
    story.when(PAUSE)
    story.policies = OrganizationPolicies(calendars={"default": office(time_zone="America/New_York", revision=4)})
    story.now = in_berlin("2024-01-22T10:00")
    story.when(RESUME).then("RunResumed")
    new_york = ZoneInfo("America/New_York")
    assert story.step(1).due_at == datetime(2024, 1, 22, 15, 30, tzinfo=new_york)
    assert story.state.timers[0].due_at == story.step(1).due_at


def test_a_run_that_ends_in_time_is_never_overdue() -> None:
    assert not trial({}, sla_hours=4).completes(1).state.timers
    assert not trial({}).state.timers


def test_a_failed_run_that_is_tried_again_is_still_held_to_its_sla() -> None:
    story = trial({}, sla_hours=4).completes(1, outcome="failure")
    assert not story.state.timers
    story.when(RetryStep(caller=ADMIN, signal_id="s", step_id="step_001"))
    (timer,) = [timer for timer in story.state.timers if timer.kind == "run_overdue"]
    assert timer.due_at == NOON + timedelta(hours=4)
    story.fires(timer.timer_id).then("RunOverdue").completes(1, outcome="failure")
    story.when(RetryStep(caller=ADMIN, signal_id="s", step_id="step_001"))
    assert "run_overdue" not in {timer.kind for timer in story.state.timers}
