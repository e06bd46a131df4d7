"""What holds, what does not, and why."""

from typing import Any

import pytest

from contracts.commands import PauseRun
from contracts.definitions import Condition
from services.run_engine.domain.conditions import Facts, unmet
from tests.unit.run_engine.story import ALICE, trial

DATA = {
    "n": 5, "s": "alpha", "b": True, "none": None, "list": [1, "two"], "deep": {"er": {"x": 1}},
    "day": "2024-01-15", "moment": "2024-01-15T00:00:00Z", "rows": [{"id": 7}], "half": "\ud800",
    "empty": [], "truths": [True],
}  # fmt: skip


def reasons(*conditions: dict[str, Any]) -> list[str]:
    state = trial({}, {}, start={"initial_data": {}, "context": {"region": "eu"}}).completes(1, data={"score": 3}).state
    facts = Facts(DATA, state.context, state.steps)
    return [failing.reason for failing in unmet([Condition.model_validate(c) for c in conditions], facts)]


@pytest.mark.parametrize(
    ("field", "operator", "value"),
    [
        ("n", "=", 5), ("n", "=", 5.0), ("n", "!=", 6), ("n", ">", 4), ("n", ">=", 5), ("n", "<", 6), ("n", "<=", 5),
        ("n", "in", [1, 5]), ("n", "not_in", [1]), ("n", "between", [1, 5]), ("list", "contains", "two"),
        ("list", "not_contains", 2), ("empty", "not_contains", 2),
        ("s", "contains", "ph"), ("s", "starts_with", "al"), ("s", "ends_with", "ha"),
        ("s", "matches", "^a.*a$"), ("n", "exists", None), ("nothing", "not_exists", None),
        ("none", "not_exists", None),
        ("day", "=", "2024-01-15T00:00:00Z"), ("moment", "<", "2024-01-15T02:00:00+01:00"),
        ("day", "between", ["2024-01-01", "2024-02-01"]), ("deep.er.x", "=", 1), ("rows.0.id", "=", 7),
        ("context.region", "=", "eu"), ("steps.step_001.score", "=", 3), ("steps.step_001.outcome", "=", "success"),
        ("none", "=", None), ("s", "!=", None), ("half", "not_contains", "x"),
    ],
)  # fmt: skip
def test_holds(field: str, operator: str, value: Any) -> None:
    assert reasons({"field": field, "operator": operator, "value": value}) == []


@pytest.mark.parametrize(
    ("field", "operator", "value", "reason"),
    [
        ("nothing", "=", 1, "Field 'nothing' is missing"),
        ("nothing", "!=", 1, "Field 'nothing' is missing"),
        ("nothing", "exists", None, "Field 'nothing' is missing"),
        ("n", "=", "5", "n: a number can't be compared with a text"),
        ("n", "!=", "5", "n: a number can't be compared with a text"),
        ("b", "=", 1, "b: a boolean can't be compared with a number"),
        ("s", ">", 5, "s: a text can't be ordered against a number"),
        ("n", "contains", 5, "n: a number can't be searched for a number"),
        ("n", "in", 5, "n: the condition's value is not a list"),
        ("n", "in", ["a"], "n: a number can't be compared with any item of the list"),
        ("n", "not_in", ["a"], "n: a number can't be compared with any item of the list"),
        ("n", "not_in", ["a", 5], 'n not_in ["a", 5] does not hold'),
        ("truths", "contains", 1, "truths: the list's items can't be compared with a number"),
        ("truths", "not_contains", 1, "truths: the list's items can't be compared with a number"),
        ("truths", "=", [1], "truths = [1] does not hold"),
        ("none", "!=", 5, "none: null can't be compared with a number"),
        ("none", "exists", None, "Field 'none' is null"),
        ("n", "between", [1], "n: the condition's value is not a list of two"),
        ("s", "matches", "(a", "s: the pattern is not a valid regular expression"),
        ("half", "matches", "a", 'half matches "a" does not hold'),
        ("n", ">", 5, "n > 5 does not hold"),
        ("b", "=", False, "b = false does not hold"),
        ("b", "!=", True, "b != true does not hold"),
        ("s", "=", "ü", 's = "ü" does not hold'),
        ("steps.step_009.x", "=", 1, "Field 'steps.step_009.x' is missing"),
        ("n", "~", 1, "Unknown operator '~'"),
    ],
)
def test_does_not_hold_and_says_why(field: str, operator: str, value: Any, reason: str) -> None:
    assert reasons({"field": field, "operator": operator, "value": value}) == [reason]


HOLDS, FAILS = {"field": "n", "operator": "=", "value": 5}, {"field": "n", "operator": "=", "value": 6}


@pytest.mark.parametrize(
    ("operator", "conditions", "holds"),
    [
        ("and", [HOLDS, HOLDS], True), ("and", [HOLDS, FAILS], False), ("and", [], True),
        ("or", [HOLDS, FAILS], True), ("or", [FAILS], False), ("or", [], False),
        ("not", [FAILS], True), ("not", [HOLDS], False),
        ("not", [{"operator": "or", "conditions": [FAILS]}], True),
    ],
)  # fmt: skip
def test_groups_nest(operator: str, conditions: list[Any], holds: bool) -> None:
    assert (reasons({"operator": operator, "conditions": conditions}) == []) is holds


def test_looks_at_the_status_of_steps() -> None:
    assert reasons({"step": 1, "status": "completed"}, {"step": 2, "status": "in_progress"}) == []
    assert reasons({"step": 1, "status": "skipped"}) == ["Step 1 is completed, expected skipped"]
    assert reasons({"step": 9, "status": "completed"}) == ["Step 9 does not exist"]


@pytest.mark.parametrize(
    "condition",
    [
        {"field": "steps.step_002.status", "operator": "=", "value": "in_progress"},
        {"step": 2, "status": "in_progress"},
    ],
)
def test_what_a_machine_answers_during_a_pause_is_judged_as_without_it(condition: dict[str, Any]) -> None:
    machine = {"step_type": "automated", "automation_config": {}, "conditions": {"post": [condition]}}
    story = trial({"sequence": 1, "parallel_allowed": True, **machine}, {"sequence": 2, "parallel_allowed": True})
    story.when(PauseRun(caller=ALICE, signal_id="p")).answers(1)
    assert story.statuses() == ["completed", "paused"]


def test_a_step_looks_again_when_another_one_has_moved_within_the_same_decision() -> None:
    """Step 1 is looked at before step 2 is skipped, which is what it waits for."""
    first = {"field": "steps.step_002.status", "operator": "=", "value": "skipped"}
    never = {"field": "x", "operator": "exists"}
    story = trial({"sequence": 1, "conditions": {"pre": [first]}},
                  {"sequence": 1, "is_required": False, "conditions": {"pre": [never]}})  # fmt: skip
    assert story.statuses() == ["in_progress", "skipped"]


def test_every_failing_condition_is_told() -> None:
    assert len(reasons(FAILS, HOLDS, FAILS)) == 2


def test_a_pattern_that_explodes_elsewhere_answers_at_once() -> None:
    story = trial({"conditions": {"pre": [{"field": "x", "operator": "matches", "value": "^(a+)+$"}]}},
                  start={"initial_data": {"x": "a" * 50_000 + "!"}})  # fmt: skip
    assert story.statuses() == ["blocked"]


@pytest.mark.parametrize(
    ("step", "status", "run"),
    [
        ({"is_required": False}, "skipped", "completed"),
        ({"is_required": True}, "blocked", "blocked"),
        ({"is_required": True, "on_unmet": "skip"}, "skipped", "completed"),
        ({"is_required": False, "on_unmet": "block"}, "blocked", "blocked"),
        ({"is_required": True, "on_unmet": "fail"}, "failed", "failed"),
        ({"is_required": False, "on_unmet": "fail"}, "failed", "completed"),
    ],
)
def test_what_an_unmet_condition_does_to_step_and_run(step: dict[str, Any], status: str, run: str) -> None:
    conditions = {"pre": [FAILS], "on_unmet": step.pop("on_unmet", None)}
    story = trial({**step, "conditions": conditions})
    assert (story.step(1).status, story.state.status) == (status, run)
