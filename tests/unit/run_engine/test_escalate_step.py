from typing import Any

import pytest

from contracts.commands import EscalateStep, UpdateData
from contracts.rejections import Code
from tests.unit.run_engine.story import ALICE, somebody, trial

ESCALATE = EscalateStep(caller=ALICE, signal_id="s", escalate_to=["director"])
STEP = {"assignee_roles": ["manager"], "metadata": {"escalation": {"after_hours": 4, "escalate_to": ["vp"]}}}


def test_adds_the_roles_and_those_before_can_still_act() -> None:
    story = trial(STEP).when(ESCALATE).then("StepEscalated")
    assert story.step(1).assignee_roles == ("manager", "director")
    story.completes(1, somebody("m", "manager")).then("StepCompleted", "RunCompleted")


def test_takes_the_roles_of_the_playbook_where_none_are_named() -> None:
    assert trial(STEP).when(EscalateStep(caller=ALICE, signal_id="s")).event("StepEscalated").roles_added == ["vp"]


def test_a_step_that_is_blocked_starts_with_the_roles_that_were_added() -> None:
    story = trial({**STEP, "conditions": {"pre": [{"field": "x", "operator": "exists"}]}})
    assert story.when(ESCALATE).event("StepEscalated").roles_added == ["director"]
    story.when(UpdateData(caller=ALICE, data={"x": 1})).then("DataUpdated", "RunUnblocked", "StepStarted")
    assert story.step(1).assignee_roles == ("manager", "director")


def test_adds_no_role_twice_nor_to_a_step_that_everybody_may_work_on() -> None:
    waits = {"conditions": {"pre": [{"field": "x", "operator": "exists"}]}}
    again = ESCALATE.model_copy(update={"escalate_to": ["manager"]})
    assert trial({**STEP, **waits}).when(again).event("StepEscalated").roles_added == []
    assert trial(waits).when(ESCALATE).event("StepEscalated").roles_added == []


def test_takes_the_place_of_the_escalation_by_the_clock() -> None:
    story = trial(STEP)
    assert [timer.timer_id for timer in story.state.timers] == ["escalation:step_001:1"]
    assert story.when(ESCALATE).state.timers == ()


def test_can_hand_the_step_over() -> None:
    handed = ESCALATE.model_copy(update={"escalate_to": [], "assignee": "dora"})
    assert trial(STEP).when(handed).step(1).assigned_to == "dora"


@pytest.mark.parametrize(
    ("named", "field"),
    [({"escalate_to": ["vp", " "]}, "signal.escalate_to[1]"), ({"escalate_to": ["vp "]}, "signal.escalate_to[0]"),
     ({"escalate_to": ["r" * 201]}, "signal.escalate_to[0]"), ({"assignee": " "}, "signal.assignee")],
)  # fmt: skip
def test_refuses_names_that_nobody_has(named: dict[str, Any], field: str) -> None:
    refused = trial(STEP).when(ESCALATE.model_copy(update=named)).refused(Code.VALIDATION_ERROR)
    assert refused.details["field"] == field


def test_refuses_without_a_target_or_an_open_step() -> None:
    trial({}).when(EscalateStep(caller=ALICE, signal_id="s")).refused(Code.VALIDATION_ERROR)
    trial({}, {}).when(ESCALATE.model_copy(update={"step_id": "step_002"})).refused(Code.INVALID_STATE, "pending")
    trial({}).completes(1).when(ESCALATE).refused(Code.INVALID_STATE)
