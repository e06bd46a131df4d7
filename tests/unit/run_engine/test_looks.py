"""Large values under many conditions: looked through as far as a command may cost, and told in few words."""

from typing import Any

import pytest
from hypothesis import given

from contracts import limits
from contracts.commands import UpdateData
from services.run_engine.domain.looks import Looks
from services.run_engine.domain.sizes import beginning, json_bytes, shortened
from tests.unit.run_engine.story import ALICE, Story, trial
from tests.unit.run_engine.test_condition_matrix import values

TOO_LARGE = "big: the value is too large to be looked through"
MANY = 60


def asked(operator: str, value: Any, number: int) -> dict[str, Any]:
    return {
        "field": "big",
        "operator": operator,
        "value": f"{value}{number}" if isinstance(value, str) else value - number,
    }


def at_many_steps(operator: str, value: Any) -> Story:
    """Each of the steps asks for something else."""
    return trial(*(
        {"sequence": 1, "name": f"S{n}", "conditions": {"pre": [asked(operator, value, n)]}} for n in range(MANY)
    ))  # fmt: skip


def reasons(story: Story) -> list[str]:
    return [unmet.reason for step in story.state.steps.values() for unmet in step.unmet]


@pytest.mark.parametrize(
    ("big", "value", "looked_through"),
    [
        (list(range(100_000)), -1, 5),
        (["2024-01-01"] * 10_000, "2024-02-1", 5),
        (["text"] * 100_000, "other", 5),
        ("ab" * 800_000, "abc", 5),
    ],
)
def test_what_conditions_look_through_is_bounded_for_all_steps_together(
    big: Any, value: Any, looked_through: int
) -> None:
    story = at_many_steps("contains", value).when(UpdateData(caller=ALICE, data={"big": big}))
    told = reasons(story)
    assert (len(told), told.count(TOO_LARGE)) == (MANY, MANY - looked_through)
    assert all("does not hold" in reason for reason in told[:looked_through])


def test_usual_lists_are_looked_through_by_all_conditions_of_a_playbook() -> None:
    story = at_many_steps("contains", -1).when(UpdateData(caller=ALICE, data={"big": list(range(1_000))}))
    assert TOO_LARGE not in reasons(story)


def test_the_same_question_is_answered_the_same_and_costs_once() -> None:
    looks, items = Looks(), list(range(limits.ITEMS_LOOKED_THROUGH))
    assert [looks.holds("contains", items, 7), looks.holds("contains", items, 7)] == [True, True]
    assert looks.holds("=", items, items)


def test_a_large_value_is_told_in_few_words_of_each_condition() -> None:
    story = trial({"conditions": {"pre": [asked("=", 1, n) for n in range(MANY)]}})
    story.when(UpdateData(caller=ALICE, data={"big": [{"a": "x" * 1_000_000}]}))
    told = [unmet.actual_value for unmet in story.step(1).unmet]
    assert told == ["[{'a': '" + "x" * 492 + "…"] * MANY


@given(values)
def test_what_is_told_of_a_value_is_the_value_or_its_first_words(value: Any) -> None:
    for large in ([value] * 300, {"a": value, "b": ["y" * 600, value]}, value):
        told = shortened(large)
        assert told == large if json_bytes(large) <= 500 else told == f"{str(large)[:500]}…"
        assert str(beginning(large))[:500] == str(large)[:500]
