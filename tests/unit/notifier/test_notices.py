"""Who is told what."""

from datetime import UTC, datetime, timedelta
from typing import get_args

from contracts.events import (
    RUN_EVENTS,
    ReminderDue,
    RunCancelled,
    RunCompleted,
    RunCreated,
    RunFailed,
    StepAssigned,
    StepEscalated,
    StepOverdue,
    StepStarted,
)
from contracts.values import SYSTEM, Actor
from services.notifier.domain.notices import NOTIFYING, NoticeType, Source, StartedRun, assignee, ending, notice
from services.notifier.domain.notices import started as started_run

AT = datetime(2024, 1, 15, 11, tzinfo=UTC)
SOURCE = Source("run_1", 7, "org_1")
STEP = {"at": AT, "actor": SYSTEM, "step_id": "step_002", "sequence": 2, "step_name": "Review"}
OWNED = {("run_1", "step_002"): "manager_1"}


def started(**over: object) -> StepStarted:
    return StepStarted.model_validate(
        STEP
        | {"step_type": "approval", "attempt": 1, "execution_mode": "manual", "due_at": AT + timedelta(hours=4)}
        | over
    )


def test_the_assignee_of_a_step_that_starts_is_told_until_when() -> None:
    told = notice(SOURCE, started(assigned_to="manager_1"), {})
    assert told is not None
    assert (told.recipient, told.type, told.due_at) == ("manager_1", "step_assignment", AT + timedelta(hours=4))
    assert (told.run_id, told.sequence, told.step_id) == ("run_1", 7, "step_002")


def test_nobody_is_told_of_a_step_that_starts_without_an_assignee() -> None:
    assert notice(SOURCE, started(), OWNED) is None


def test_the_new_assignee_is_told() -> None:
    event = StepAssigned.model_validate(STEP | {"assigned_to": "manager_2", "previous": "manager_1", "reason": "leave"})
    told = notice(SOURCE, event, OWNED)
    assert told is not None
    assert (told.recipient, told.type, told.reason) == ("manager_2", "step_assignment", "leave")


def test_an_escalation_tells_whom_it_names_and_else_the_assignee() -> None:
    named = notice(SOURCE, StepEscalated.model_validate(STEP | {"assigned_to": "director"}), OWNED)
    unnamed = notice(SOURCE, StepEscalated.model_validate(STEP | {"roles_added": ["cfo"]}), OWNED)
    assert named and unnamed
    assert (named.recipient, unnamed.recipient, named.type) == ("director", "manager_1", "step_escalation")


def test_the_assignee_of_an_overdue_step_is_told() -> None:
    event = StepOverdue.model_validate(STEP | {"due_at": AT, "timer_id": "overdue:step_002:1"})
    told = notice(SOURCE, event, OWNED)
    assert told and (told.recipient, told.type) == ("manager_1", "step_overdue")
    assert notice(SOURCE, event, {}) is None


def test_the_assignee_of_a_step_that_is_due_soon_is_told_until_when() -> None:
    event = ReminderDue.model_validate(STEP | {"due_at": AT, "timer_id": "reminder:step_002:1:0", "assigned_to": "ann"})
    told = notice(SOURCE, event, OWNED)
    assert told and (told.recipient, told.type, told.due_at) == ("ann", "step_reminder", AT)
    assert notice(SOURCE, event.model_copy(update={"assigned_to": None}), OWNED) is None


def test_remembers_who_has_a_step() -> None:
    assert assignee(started(assigned_to="manager_1")) == ("step_002", "manager_1")
    assert assignee(started()) is None


def test_what_notifies_are_events_of_runs() -> None:
    assert set(NOTIFYING) <= set(RUN_EVENTS)
    assert set(get_args(NoticeType)) == {
        "step_assignment", "step_escalation", "step_overdue", "step_reminder", "run_completed", "run_failed",
        "run_cancelled", "webhook_disabled",
    }  # fmt: skip


RUN = StartedRun("run_1", "ada", "Customer Onboarding")
CREATED: dict[str, object] = {
    "run_id": "run_1", "organization_id": "org_1", "smart_code": None, "context": {}, "initial_data": {},
    "metadata": {}, "priority": "normal", "steps": [],
    "playbook": {
        "playbook_id": "pb_1", "revision": 1, "name": "Customer Onboarding", "version": "1.0.0", "smart_code": "x",
    },
}  # fmt: skip
BOB: dict[str, object] = {"at": AT, "actor": {"id": "bob"}, "duration_minutes": 3}
CANCELLED = {**BOB, "signal": {"signal_id": "sig_1", "reason": "no budget"}, "steps": []}


def test_who_started_a_run_is_remembered_where_it_was_a_person() -> None:
    assert started_run("run_1", RunCreated.model_validate({**CREATED, "at": AT, "actor": {"id": "ada"}})) == RUN
    assert started_run("run_1", RunCreated.model_validate({**CREATED, "at": AT, "actor": SYSTEM})) is None
    assert started_run("run_1", started(assigned_to="ada")) is None


def test_who_started_a_run_is_told_how_it_ends() -> None:
    completed = ending(SOURCE, RunCompleted.model_validate({**BOB, "outcome": "rejected"}), RUN)
    failed = ending(SOURCE, RunFailed.model_validate({**BOB, "reason": "Check failed"}), RUN)
    cancelled = ending(SOURCE, RunCancelled.model_validate(CANCELLED), RUN)
    assert completed and failed and cancelled
    assert {told.recipient for told in (completed, failed, cancelled)} == {"ada"}
    assert (completed.type, completed.outcome, completed.playbook_name) == (
        "run_completed", "rejected", "Customer Onboarding",
    )  # fmt: skip
    assert (failed.type, failed.reason) == ("run_failed", "Check failed")
    assert (cancelled.type, cancelled.reason) == ("run_cancelled", "no budget")


def test_nobody_is_told_of_what_they_did_themselves_or_where_nobody_is_known() -> None:
    event = RunCompleted.model_validate({**BOB, "outcome": "success"})
    assert ending(SOURCE, event.model_copy(update={"actor": Actor(id="ada")}), RUN) is None
    assert ending(SOURCE, event, None) is None
    assert ending(SOURCE, started(assigned_to="ada"), RUN) is None
