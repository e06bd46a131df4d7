"""What a caller may send to a run: each signal has its own permission, and `run:update` is all of them."""

from typing import Any

import pytest

from contracts import commands
from contracts.commands import Command
from contracts.permissions import INCLUDED, SIGNAL_PERMISSIONS
from contracts.rejections import Code
from contracts.values import Caller
from services.run_engine.domain.permissions import not_permitted
from tests.unit.run_engine.story import Story, somebody, trial

ANYBODY = Caller(id="kafka", type="service")
OF_SIGNAL: dict[str, Any] = {"caller": ANYBODY, "signal_id": "s"}
COMMANDS: dict[str, Command] = {
    "run:pause": commands.PauseRun(**OF_SIGNAL),
    "run:resume": commands.ResumeRun(**OF_SIGNAL),
    "run:cancel": commands.CancelRun(**OF_SIGNAL),
    "run:retry": commands.RetryStep(**OF_SIGNAL),
    "run:skip": commands.SkipStep(**OF_SIGNAL, step_id="step_001"),
    "run:escalate": commands.EscalateStep(**OF_SIGNAL, escalate_to=["vp"]),
    "run:reassign": commands.ReassignStep(**OF_SIGNAL, assignee="bob"),
    "run:event": commands.ReceiveEvent(**OF_SIGNAL, name="paid"),
    "run:data": commands.UpdateData(caller=ANYBODY, data={"amount": 1}),
}


def sent(permission: str, *held: str) -> Command:
    caller = ANYBODY.model_copy(update={"permissions": held})
    return COMMANDS[permission].model_copy(update={"caller": caller})


def test_run_update_is_the_bundle_of_all_of_them() -> None:
    assert INCLUDED["run:update"] == COMMANDS.keys() == {*SIGNAL_PERMISSIONS.values(), "run:data"}


@pytest.mark.parametrize("permission", COMMANDS)
def test_a_command_is_refused_with_every_permission_but_its_own(permission: str) -> None:
    others = {*COMMANDS, "step:complete", "step:override", "run:read", "playbook:*"} - {permission}
    story = trial({}, start={"initial_data": {"amount": 9}}).when(sent(permission, *sorted(others)))
    refused = story.refused(Code.FORBIDDEN, f"requires the permission {permission}.")
    assert refused.details["required_permission"] == permission
    assert story.state.data == {"amount": 9}


@pytest.mark.parametrize("permission", COMMANDS)
@pytest.mark.parametrize("bundle", [None, "run:update", "run:*", "*"])
def test_a_command_is_permitted_by_its_own_permission_or_a_bundle(permission: str, bundle: str | None) -> None:
    assert not_permitted(sent(permission, bundle or permission)) is None


def test_a_required_step_is_skipped_with_step_skip_alone() -> None:
    def skipped(permission: str) -> Story:
        caller = somebody("root", permissions=(permission,))
        return trial({}).when(commands.SkipStep(caller=caller, signal_id="s", reason="not needed"))

    skipped("step:skip").then("StepSkipped", "RunCompleted")
    skipped("run:skip").refused(Code.FORBIDDEN, "skipping it needs step:skip")


def test_an_escalation_to_an_assignee_is_a_reassignment_too() -> None:
    def escalated(*permissions: str) -> Story:
        caller = somebody("carl", permissions=permissions)
        return trial({"assignee_roles": ["boss"]}).when(
            commands.EscalateStep(caller=caller, signal_id="s", escalate_to=["vp"], assignee="carl")
        )

    assert escalated("run:escalate").refused(Code.FORBIDDEN).details["required_permission"] == "run:reassign"
    escalated("run:escalate", "run:reassign").then("StepEscalated")
    escalated("run:update").then("StepEscalated")
