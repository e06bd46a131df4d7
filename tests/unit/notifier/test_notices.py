"""What who started a run is told of it."""

from datetime import UTC, datetime, timedelta
from typing import get_args

from contracts.events import RUN_EVENTS, RunCancelled, RunCompleted, RunCreated, RunFailed, RunOverdue, StepOverdue
from contracts.values import SYSTEM, Actor
from services.notifier.domain.notices import Notice, NoticeType, Source, StartedRun, of_run, started
from services.notifier.mails import NOTIFYING

AT = datetime(2024, 1, 15, 11, tzinfo=UTC)
SOURCE = Source("run_1", 7, "org_1")


def test_what_notifies_are_events_of_runs() -> None:
    assert set(NOTIFYING) <= set(RUN_EVENTS)
    assert set(get_args(NoticeType)) == {
        "step_assignment", "step_offer", "step_escalation", "step_overdue", "step_reminder", "run_overdue",
        "run_completed", "run_failed", "run_cancelled", "delegation", "webhook_disabled",
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


def only(found: list[Notice]) -> Notice:
    (told,) = found
    return told


def test_a_run_is_remembered_with_who_started_it_where_it_was_a_person() -> None:
    assert started("run_1", RunCreated.model_validate({**CREATED, "at": AT, "actor": {"id": "ada"}})) == RUN
    by_itself = started("run_1", RunCreated.model_validate({**CREATED, "at": AT, "actor": SYSTEM}))
    assert by_itself == StartedRun("run_1", None, "Customer Onboarding")
    assert of_run(SOURCE, RunCompleted.model_validate({**BOB, "outcome": "success"}), by_itself) == []


def test_who_started_a_run_is_told_how_it_ends() -> None:
    completed = only(of_run(SOURCE, RunCompleted.model_validate({**BOB, "outcome": "rejected"}), RUN))
    failed = only(of_run(SOURCE, RunFailed.model_validate({**BOB, "reason": "Check failed"}), RUN))
    cancelled = only(of_run(SOURCE, RunCancelled.model_validate(CANCELLED), RUN))
    assert {told.recipient for told in (completed, failed, cancelled)} == {"ada"}
    assert (completed.type, completed.outcome, completed.playbook_name) == (
        "run_completed", "rejected", "Customer Onboarding",
    )  # fmt: skip
    assert (failed.type, failed.reason) == ("run_failed", "Check failed")
    assert (cancelled.type, cancelled.reason) == ("run_cancelled", "no budget")


def test_who_started_a_run_is_told_that_its_time_is_over() -> None:
    due = AT - timedelta(minutes=1)
    overdue = RunOverdue.model_validate({"at": AT, "actor": SYSTEM, "due_at": due, "timer_id": "run_overdue:1"})
    told = only(of_run(SOURCE, overdue, RUN))
    assert (told.recipient, told.type, told.due_at) == ("ada", "run_overdue", due)


def test_nobody_is_told_of_what_they_did_themselves_or_where_nobody_is_known() -> None:
    event = RunCompleted.model_validate({**BOB, "outcome": "success"})
    assert of_run(SOURCE, event.model_copy(update={"actor": Actor(id="ada")}), RUN) == []
    assert of_run(SOURCE, event.model_copy(update={"caused_by": "ada"}), RUN) == []
    assert of_run(SOURCE, event, None) == []
    step = {"step_id": "step_001", "sequence": 1, "step_name": "x", "due_at": AT, "timer_id": "t"}
    assert of_run(SOURCE, StepOverdue.model_validate({"at": AT, "actor": SYSTEM, **step}), RUN) == []
