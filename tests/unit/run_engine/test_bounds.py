"""Limits of a run: what goes beyond one is refused with its name, and what is within works."""

from typing import Any

import pytest

from contracts import limits
from contracts.commands import CancelRun, EraseEncryptedData, EscalateStep, ReceiveEvent, RetryStep, UpdateData
from contracts.rejections import Code
from services.run_engine.domain.sizes import json_bytes
from tests.unit.run_engine.story import ADMIN, ALICE, Story, playbook, trial

MIB = 1024 * 1024


def text(size: int) -> str:
    """Of so many bytes in JSON, quotes and a key of one letter counted in."""
    return "x" * (size - len('{"a":""}'))


def refused_limit(story: Story, code: Code = Code.PAYLOAD_TOO_LARGE) -> str:
    details = story.refused(code).details
    assert details["reason"] and (details.get("max_bytes") or details.get("max"))
    return str(details["limit"])


def test_a_run_starts_with_as_much_data_as_it_may_hold_and_no_more() -> None:
    data = {"a": text(limits.RUN_DATA_BYTES)}
    assert json_bytes(data) == limits.RUN_DATA_BYTES
    assert trial({}, start={"initial_data": data}).state.status == "active"
    story = Story(playbook({})).started(initial_data=data, context={"priority": "high"})
    assert refused_limit(story) == "run_data_bytes"


@pytest.mark.parametrize(
    "command",
    [
        UpdateData(caller=ALICE, data={"b": "x" * MIB}),
        UpdateData(caller=ALICE, data={}, metadata={"b": "x" * MIB}),
        ReceiveEvent(caller=ALICE, signal_id="s", name="n", data={"b": "x" * MIB}),
    ],
)
def test_whatever_brings_data_is_held_to_what_the_run_has_already(command: UpdateData | ReceiveEvent) -> None:
    story = trial({}, start={"initial_data": {"a": text(MIB + 1)}}).when(command)
    assert refused_limit(story) == "run_data_bytes"
    story.when(UpdateData(caller=ALICE, data={"a": "small"})).then("DataUpdated")
    story.when(command).then("DataUpdated")


def test_data_that_takes_the_place_of_other_data_counts_once() -> None:
    story = trial({}, start={"initial_data": {"a": text(2 * MIB - 100)}})
    story.completes(1, data={"a": text(2 * MIB - 50)}).then("StepCompleted", "RunCompleted")


def test_steps_keep_so_much_of_their_completions_and_no_more() -> None:
    story = trial({}, {}, {}, {})
    for number in (1, 2, 3):
        story.completes(number, data={"a": text(MIB)}).then("StepCompleted", "StepStarted")
    assert refused_limit(story.completes(4, data={"a": 1})) == "run_kept_bytes"
    story.completes(4).then("StepCompleted", "RunCompleted")


def test_votes_count_and_a_return_gives_their_room_back() -> None:
    vote = {"step_type": "approval", "metadata": {"voting_threshold": 1, "committee_size": 4, "approval_options": [
        {"action": "approve"}, {"action": "back", "return_to_step": 1}
    ]}}  # fmt: skip
    story = trial({}, vote).completes(1)
    callers = [ALICE.model_copy(update={"id": name}) for name in "abcd"]
    for caller in callers[:3]:
        story.completes(2, caller, outcome="approve", data={"a": text(MIB)}).then("ApprovalRecorded")
    assert refused_limit(story.completes(2, callers[3], outcome="approve", data={"a": 1})) == "run_kept_bytes"
    story.completes(2, callers[0], outcome="back").then("StepCompleted", "StepsReturned", "StepStarted")
    assert story.step(2).kept_bytes == 0


def test_a_completion_hands_in_a_hundred_attachments_at_most() -> None:
    story = trial({}).completes(1, attachments=[{"name": f"{n}.pdf"} for n in range(101)])
    assert refused_limit(story, Code.VALIDATION_ERROR) == "attachments"
    story.completes(1, attachments=[{"name": f"{n}.pdf"} for n in range(100)]).then("StepCompleted", "RunCompleted")


@pytest.mark.parametrize("named", ["step_001", None])
def test_escalations_add_roles_up_to_the_steps_limit(named: str | None) -> None:
    def escalation(first: int) -> EscalateStep:
        roles = [f"r{n}" for n in range(first, first + 60)]
        return EscalateStep(caller=ADMIN, signal_id="s", step_id=named, escalate_to=roles)

    story = trial({}).when(escalation(0)).then("StepEscalated")
    assert refused_limit(story.when(escalation(60)), Code.VALIDATION_ERROR) == "roles_of_step"
    story.when(escalation(0)).then("StepEscalated")


def test_a_run_that_has_become_too_long_can_only_be_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    story = trial({}, {"step_type": "automated", "parallel_allowed": True}, {"parallel_allowed": True})
    story.completes(1)
    monkeypatch.setattr(limits, "RUN_EVENTS", story.state.sequence)
    refusal = story.when(UpdateData(caller=ALICE, data={"x": 1})).refused(Code.INVALID_STATE, "can only be cancelled")
    assert (refusal.details["limit"], refusal.details["allowed"]) == ("run_events", ["cancel"])
    story.completes(3).refused(Code.INVALID_STATE)
    story.answers(2).then("StepCompleted")
    story.when(CancelRun(caller=ALICE, signal_id="c")).then("RunCancelled")
    over = story.completes(3).refused(Code.INVALID_STATE, "the run is cancelled")
    assert "limit" not in over.details


def test_a_failed_run_that_has_become_too_long_is_not_taken_up_again(monkeypatch: pytest.MonkeyPatch) -> None:
    story = trial({}).completes(1, outcome="failure")
    monkeypatch.setattr(limits, "RUN_EVENTS", story.state.sequence)
    refusal = story.when(RetryStep(caller=ALICE, signal_id="r")).refused(Code.INVALID_STATE, "nothing more begins")
    assert (refusal.details["limit"], refusal.details["allowed"]) == ("run_events", [])


def test_what_is_encrypted_in_a_run_can_be_erased_however_long_it_has_become(monkeypatch: pytest.MonkeyPatch) -> None:
    story = trial({})
    monkeypatch.setattr(limits, "RUN_EVENTS", story.state.sequence)
    story.when(EraseEncryptedData(caller=ADMIN, key_ids=["key_1"])).then("EncryptedDataErased")


def test_a_machines_answer_that_is_too_large_fails_its_attempt_and_says_so() -> None:
    config = {"retry_attempts": 2, "fallback_to_manual": True}
    story = trial({"step_type": "automated", "automation_config": config}, start={"initial_data": {"b": "x" * MIB}})
    story.answers(1, data={"a": text(MIB + 1)}).then("AutomationAttemptFailed", "AutomationFellBack")
    assert "the limit is 2097152" in story.event("AutomationAttemptFailed").error
    assert story.state.data == {"b": "x" * MIB}


def test_large_values_are_told_by_their_beginning() -> None:
    pre: list[dict[str, Any]] = [{"field": "x", "operator": "=", "value": "y" * 5000}]
    story = trial({"conditions": {"pre": pre}}, start={"initial_data": {"x": "z" * MIB}})
    [unmet] = story.event("StepBlocked").unmet
    assert len(unmet.actual_value) < 600 and len(unmet.reason) < 600
    form = {"metadata": {"form_fields": [{"name": "f", "type": "number"}]}}
    [found] = trial(form).completes(1, data={"f": "z" * MIB}).violations()
    assert len(found["actual_value"]) < 600
