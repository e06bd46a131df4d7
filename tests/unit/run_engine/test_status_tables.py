"""What the tables allow is what the deciders do: every signal and command in every status of run and step."""

from typing import Any, get_args

import pytest

from contracts.commands import (
    CancelRun,
    ClaimStep,
    Command,
    CompleteStep,
    EscalateStep,
    FireTimer,
    PauseRun,
    ReassignStep,
    ReceiveEvent,
    RecordNotification,
    ReleaseStep,
    ResumeRun,
    RetryStep,
    SkipStep,
    UpdateData,
)  # fmt: skip
from contracts.rejections import Code, Rejection
from contracts.signals import SignalType
from contracts.values import SYSTEM_CALLER
from deploy.status_table import status_table
from services.run_engine.domain.lifecycle import ALLOWED_ON_RUN, ALLOWED_ON_STEP, RunStatus, StepStatus
from tests.unit.run_engine.story import ADMIN, Story, trial

SIGNAL = {"caller": ADMIN, "signal_id": "s", "reason": "r"}
FAILS = {"field": "x", "operator": "=", "value": 1}
RUNS: dict[RunStatus, Story] = {}


def run_in(status: RunStatus) -> Story:
    """A run of that status; where it is open, step 1 has failed and is optional, and step 2 is open."""
    optional: dict[str, Any] = {"is_required": False, "parallel_allowed": True}
    second: dict[str, Any] = {"assignee_roles": ["r"], "parallel_allowed": True}
    if status == "blocked":
        second["conditions"] = {"pre": [FAILS]}
    if status == "failed":
        return trial({}, second).completes(1, ADMIN, outcome="failure")
    story = trial(optional, second).completes(1, ADMIN, outcome="failure")
    if status == "paused":
        story.when(PauseRun(**SIGNAL))
    elif status == "cancelled":
        story.when(CancelRun(**SIGNAL))
    elif status == "completed":
        story.completes(2, ADMIN)
    assert story.state.status == status
    return story


ON_RUN: dict[str, Command] = {
    "pause": PauseRun(**SIGNAL), "resume": ResumeRun(**SIGNAL), "cancel": CancelRun(**SIGNAL),
    "retry": RetryStep(**SIGNAL, step_id="step_001"), "skip": SkipStep(**SIGNAL, step_id="step_002"),
    "escalate": EscalateStep(**SIGNAL, step_id="step_002", escalate_to=["chief"]),
    "reassign": ReassignStep(**SIGNAL, step_id="step_002", assignee="bob"),
    "event": ReceiveEvent(**SIGNAL, name="happened", data={"y": 1}),
    "complete": CompleteStep(caller=ADMIN, step_id="step_002"), "claim": ClaimStep(caller=ADMIN, step_id="step_002"),
    "release": ReleaseStep(caller=ADMIN, step_id="step_002"), "update": UpdateData(caller=ADMIN, data={"y": 1}),
}  # fmt: skip


def test_the_commands_are_all_that_the_table_names() -> None:
    assert {action for allowed in ALLOWED_ON_RUN.values() for action in allowed} == set(ON_RUN)
    assert set(get_args(SignalType)) <= set(ON_RUN)


@pytest.mark.parametrize("status", get_args(RunStatus))
@pytest.mark.parametrize("action", ON_RUN)
def test_a_run_takes_what_its_status_allows_and_refuses_the_rest(action: str, status: RunStatus) -> None:
    story = run_in(status)
    before = story.state
    story.when(ON_RUN[action])
    if action in ALLOWED_ON_RUN[status]:
        assert not isinstance(story.answer, Rejection), story.answer
    else:
        details = story.refused(Code.INVALID_STATE).details
        assert (details["current_status"], details["allowed"]) == (
            before.steps["step_002"].status if "step" in details else status, list(ALLOWED_ON_RUN[status]),
        )  # fmt: skip
        assert story.state is before


def step_in(status: StepStatus) -> Story:
    """An active run, or a paused one where the step can be so only there, whose step 1 has the status."""
    other: dict[str, Any] = {"parallel_allowed": True}
    step: dict[str, Any] = {"is_required": False, "assignee_roles": ["r"], **other}
    match status:
        case "pending":
            return trial(other, {"sequence": 2, "name": "B"}, {"sequence": 3, "assignee_roles": ["r"]})
        case "in_progress":
            return trial(step, other)
        case "paused":
            return trial(step, other).when(PauseRun(**SIGNAL))
        case "blocked":
            return trial({**step, "conditions": {"pre": [FAILS], "on_unmet": "block"}}, other)
        case "completed":
            return trial(step, other).completes(1, ADMIN)
        case "failed":
            return trial(step, other).completes(1, ADMIN, outcome="failure")
        case "skipped":
            return trial(step, other).when(SkipStep(**SIGNAL, step_id="step_001"))
        case "cancelled":
            return trial(step, {"is_required": True, **other}).completes(2, ADMIN, outcome="failure")


def on_step(action: str, step_id: str) -> Command:
    """`paused` and `cancelled` steps stand in runs that refuse most things for their own status."""
    return ON_RUN[action].model_copy(update={"step_id": step_id})


@pytest.mark.parametrize("status", get_args(StepStatus))
@pytest.mark.parametrize("action", ALLOWED_ON_STEP)
def test_a_step_takes_what_its_status_allows_and_refuses_the_rest(action: str, status: StepStatus) -> None:
    story = step_in(status)
    step_id = "step_003" if status == "pending" else "step_001"
    assert story.state.steps[step_id].status == status
    allowed = status in ALLOWED_ON_STEP[action] and action in ALLOWED_ON_RUN[story.state.status]
    story.when(on_step(action, step_id))
    if allowed:
        assert not isinstance(story.answer, Rejection), story.answer
    else:
        story.refused(Code.INVALID_STATE)


def test_while_a_run_is_paused_its_machines_are_heard_and_its_clocks_stand_still() -> None:
    automated = {"step_type": "automated", "parallel_allowed": True, "automation_config": {"timeout_seconds": 60}}
    story = trial(automated, {"parallel_allowed": True, "timeout_minutes": 5}).when(PauseRun(**SIGNAL)).after(hours=1)
    for timer in story.state.stopped_timers:
        story.when(FireTimer(caller=SYSTEM_CALLER, timer_id=timer.timer_id)).refused(Code.INVALID_STATE)
    sent = {"recipient": "u", "notification_type": "t", "channel": "email"}
    story.when(RecordNotification(caller=SYSTEM_CALLER, **sent)).then("NotificationSent")
    story.answers(1, data={"x": 1}).then("StepCompleted")
    assert story.state.status == "paused"


def test_the_document_says_what_the_tables_say() -> None:
    lines = status_table().splitlines()
    assert "| `pause` | yes | – | yes | – | – | – |" in lines
    assert "| `retry` | – | – | – | – | – | yes | – | – |" in lines
    for action in ON_RUN:
        assert any(line.startswith(f"| `{action}` |") for line in lines)
