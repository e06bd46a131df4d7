"""Whatever order the registry takes: a run of it is never stuck, and nothing is left that would follow by itself."""

from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.commands import CompleteStep, ReceiveEvent, RetryStep, SkipStep
from contracts.definitions import PlaybookDraft
from contracts.policies import DEFAULT_POLICIES
from contracts.rejections import Rejection
from services.playbook_registry.domain.validation import refusal
from services.run_engine.domain.advance import Course, settle
from tests.unit.run_engine.story import ADMIN, Story, defined
from tests.unit.run_engine.test_properties import assert_never_stuck

MOST = 6
SIGNAL: dict[str, Any] = {"caller": ADMIN, "signal_id": "s"}
STATUSES = ["completed", "completed", "skipped", "failed", "in_progress", "blocked", "pending"]


def condition(chance: Random, depth: int = 0) -> dict[str, Any]:
    kind = chance.random()
    if kind < 0.2 and depth < 2:
        inner = [condition(chance, depth + 1) for _ in range(chance.randint(1, 2))]
        return {"operator": chance.choice(["and", "or", "not"]), "conditions": inner}
    if kind < 0.8:
        return {"step": chance.randint(1, MOST), "status": chance.choice(STATUSES)}
    of_a_step = f"steps.step_00{chance.randint(1, MOST)}.{chance.choice(['outcome', 'x'])}"
    return {"field": chance.choice(["x", of_a_step]), "operator": chance.choice(["exists", "not_exists"])}


def draft(chance: Random) -> PlaybookDraft:
    """Steps that name each other in every direction, alone, in groups, and several of one number."""
    steps, sequence, alone = [], 0, chance.random() / 2
    for number in range(1, MOST + 1):
        sequence += number == 1 or chance.random() < 0.8
        named = [condition(chance) for _ in range(chance.choice([0, 1, 1, 2]))]
        step = {
            "name": f"S{number}", "sequence": sequence, "is_required": chance.random() < 0.3,
            "conditions": {"pre": named, "on_unmet": chance.choice([None, None, "skip", "block", "fail"])},
        }  # fmt: skip
        steps.append(step | ({} if chance.random() < alone else {"parallel_allowed": True}))
    return PlaybookDraft.model_validate({"name": "T", "smart_code": "HERA.TEST.PLAYBOOK.UNIT.v1", "steps": steps})


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2**32))
def test_what_the_registry_takes_goes_on_until_it_ends_or_says_what_it_waits_for(
    seed: int,
) -> None:
    chance = Random(seed)
    taken = draft(chance)
    while refusal(taken, DEFAULT_POLICIES) is not None:
        taken = draft(chance)
    story = Story(defined(taken)).started(ADMIN)
    for _ in range(25):
        assert_never_stuck(story.state)
        assert_nothing_waits_that_may_start(story)
        if story.state.status == "completed":
            return
        story.when(_next(chance, story))
        assert not isinstance(story.answer, Rejection), story.answer


def assert_nothing_waits_that_may_start(story: Story) -> None:
    again = Course(story.state)
    settle(again, story.situation)
    assert again.events == []


def _next(chance: Random, story: Story) -> CompleteStep | SkipStep | RetryStep | ReceiveEvent:
    """Mostly what ends an open step."""
    steps = list(story.state.steps.values())
    failed = [step.step_id for step in steps if step.status == "failed" and step.is_required]
    if story.state.status == "failed":
        return RetryStep(**SIGNAL, step_id=chance.choice(failed))
    going = [step.step_id for step in steps if step.status == "in_progress"]
    if going and chance.random() < 0.8:
        outcome, data = chance.choice(["success"] * 4 + ["failure"]), chance.choice([{}, {"x": 1}])
        return CompleteStep(caller=ADMIN, step_id=chance.choice(going), outcome=outcome, data=data)
    if chance.random() < 0.7:
        left = [step.step_id for step in steps if not step.is_ended]
        return SkipStep(**SIGNAL, reason="r", step_id=chance.choice(left))
    return ReceiveEvent(**SIGNAL, name="n", data={"x": chance.choice([1, None])})
