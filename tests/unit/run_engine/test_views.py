"""Answers to what the reference does not show; what it shows stands with its scenarios."""

from typing import Any

from contracts.commands import CancelRun, EscalateStep, PauseRun, ReceiveEvent, ResumeRun, RetryStep, SkipStep
from contracts.values import Caller
from services.run_engine.domain.views import completion_view, run_view, signal_view, step_view, task_view
from tests.unit.run_engine.story import ADMIN, ALICE, Story, somebody, trial


def completed(story: Story, number: int, caller: Caller = ALICE) -> dict[str, Any]:
    assert isinstance(story.answer, list)
    return completion_view(story.state, story.situation, f"step_{number:03}", story.answer, caller)


def test_a_vote_that_leaves_the_step_open_shows_the_tally() -> None:
    board = {"step_type": "approval", "metadata": {"voting_threshold": 0.66, "committee_size": 5}}
    story = trial({}, board).completes(1).completes(2, somebody("a", "board"), outcome="approve")
    view = completed(story, 2)
    assert (view["status"], view["outcome"]) == ("in_progress", "approve") and "completed_at" not in view
    assert view["approvals"] == {
        "required": 4, "approved": 1, "rejected": 0, "committee_size": 5,
        "votes": [{"user": "a", "vote": "approve", "roles": ["board"]}],
    }  # fmt: skip


def test_the_next_steps_say_what_they_wait_for_and_who_can_go_on() -> None:
    waits = {"conditions": {"pre": [{"field": "x", "operator": "exists"}]}}
    blocked = completed(trial({}, waits).completes(1), 1)["next_steps"][0]
    assert (blocked["status"], blocked["can_complete"]) == ("blocked", False)
    assert blocked["waits_for"][0]["reason"] == "Field 'x' is missing"


def test_answers_mask_the_secrets_of_a_form_for_everybody_as_they_are_kept_and_sent_over_kafka() -> None:
    form = {"metadata": {"form_fields": [{"name": "ssn", "type": "text", "encrypted": True}]}}
    story = trial(form, {}).completes(1, data={"ssn": "123", "name": "Ann"})
    assert completed(story, 1)["next_steps"][0]["data"] == {"ssn": "********", "name": "Ann"}
    assert completed(story, 1, ADMIN)["next_steps"][0]["data"]["ssn"] == "********"


def test_progress_is_whole_where_it_is_whole_and_full_only_at_the_end() -> None:
    story = trial({}, {}, {}).completes(1)
    assert run_view(story.state, story.situation.plan)["progress_percentage"] == 33.3
    assert run_view(story.completes(2).completes(3).state, story.situation.plan)["progress_percentage"] == 100
    paused = trial({"step_type": "automated"}).when(PauseRun(caller=ALICE, signal_id="s")).answers(1)
    assert run_view(paused.state, paused.situation.plan)["progress_percentage"] == 99


def test_a_run_shows_its_steps_with_what_happened_to_them() -> None:
    story = trial({}, {"is_required": False, "conditions": {"pre": [{"field": "x", "operator": "exists"}]}}).completes(
        1
    )
    view = run_view(story.state, story.situation.plan)
    first, second = view["steps_status"]
    assert (first["completed_by"], first["attempt"], "is_conditional" in first) == ("alice", 1, False)
    assert (second["status"], second["is_conditional"], len(second["unmet_conditions"])) == ("skipped", True, 1)
    assert (view["version"], view["current_step"], view["outcome"]) == (story.state.sequence, None, "success")


def test_steps_that_have_not_started_say_whose_they_will_be() -> None:
    waits = {"conditions": {"pre": [{"field": "x", "operator": "exists"}]}}
    story = trial({}, {"assignee_roles": ["boss"], **waits}, {"assignee_roles": ["clerk"]})
    rows = run_view(story.state, story.situation.plan)["steps_status"]
    assert [row["assignee_roles"] for row in rows] == [[], ["boss"], ["clerk"]]
    assert step_view(story.state, story.step(3), story.situation.plan.by_id["step_003"])["assignee_roles"] == ["clerk"]
    blocked = completed(story.completes(1), 1)["next_steps"][0]
    assert (blocked["status"], blocked["assignee_roles"]) == ("blocked", ["boss"])


def test_every_signal_answers_in_the_shape_of_pause() -> None:
    story = trial({"parallel_allowed": True}, {"parallel_allowed": True})
    for command, kind, touched in (
        (EscalateStep(caller=ADMIN, signal_id="s", step_id="step_001", escalate_to=["r"]), "escalate", ["step_001"]),
        (ReceiveEvent(caller=ADMIN, signal_id="s", name="called"), "event", []),
        (SkipStep(caller=ADMIN, signal_id="s", step_id="step_001", reason="r"), "skip", ["step_001"]),
        (CancelRun(caller=ADMIN, signal_id="s", reason="r"), "cancel", ["step_002"]),
    ):
        before = story.state
        story.when(command)
        assert isinstance(story.answer, list)
        view = signal_view(before, story.state, command, story.answer)
        assert (view["signal_type"], "paused_until" in view) == (kind, False)
        assert [step["step_id"] for step in view["affected_steps"]] == touched
    assert view["timeline_entry"]["details"]["reason"] == "r"


def test_an_answer_tells_of_an_event_what_the_timeline_tells() -> None:
    story = trial({}).when(PauseRun(caller=ADMIN, signal_id="p")).after(minutes=5)
    before, resume = story.state, ResumeRun(caller=ADMIN, signal_id="r", reason="back")
    story.when(resume)
    assert isinstance(story.answer, list)
    view = signal_view(before, story.state, resume, story.answer)
    assert view["timeline_entry"]["details"] == {"reason": "back", "paused_seconds": 300}


def test_a_retry_tells_that_the_run_is_active_again() -> None:
    story = trial({}).completes(1, outcome="failure")
    before, retry = story.state, RetryStep(caller=ALICE, signal_id="s")
    story.when(retry)
    assert isinstance(story.answer, list)
    view = signal_view(before, story.state, retry, story.answer)
    assert (view["previous_status"], view["new_status"]) == ("failed", "active")
    assert view["affected_steps"] == [{"step_id": "step_001", "status": "in_progress", "was_status": "failed"}]


def test_a_task_carries_what_its_worker_needs() -> None:
    context = {"entity_type": "customer", "entity_name": "Acme", "priority": "high"}
    story = trial({"metadata": {"form_fields": [{"name": "a"}]}}, start={"context": context, "initial_data": {"a": 1}})
    task = task_view(story.state, story.step(1), ALICE, story.situation)
    assert (task["entity"], task["priority"]) == ({"entity_type": "customer", "entity_name": "Acme"}, "high")
    assert (task["form_fields"], task["data"]) == ([{"name": "a"}], {"a": 1})
