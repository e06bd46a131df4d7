"""Pause against every other command, in every order: nothing is lost by it, and nothing happens twice."""

from collections import Counter
from dataclasses import replace
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.commands import Command, PauseRun, ResumeRun
from contracts.rejections import Code, Rejection
from contracts.values import Caller
from services.run_engine.domain.decide import decide
from services.run_engine.domain.evolve import evolve
from services.run_engine.domain.state import RunState
from tests.unit.run_engine.story import Story, playbook
from tests.unit.run_engine.test_properties import CALLERS, command, data, playbooks

ROOT = Caller(id="root", permissions=("*",))
PAUSE = PauseRun(caller=ROOT, signal_id="p")
RESUME = ResumeRun(caller=ROOT, signal_id="r")
OF_THE_PAUSE = {"RunPaused", "RunResumed", "RunBlocked", "RunUnblocked"}
"""A blocked run that resumes says again that it is blocked."""


def played(story: Story, *sent: Command) -> tuple[RunState, Counter[str]]:
    """The state after the commands and what happened, in one moment. What a pause refuses is sent again after it."""
    state, happened = story.state, Counter[str]()
    again: list[Command] = []
    for one in sent:
        state = _taken(story, state, one, happened, again)
    for one in again:
        state = _taken(story, state, one, happened, again)
    return state, happened


def _taken(story: Story, state: RunState, one: Command, happened: Counter[str], again: list[Command]) -> RunState:
    answer = decide(state, story.definition, story.policies, one, story.now)
    if isinstance(answer, Rejection):
        if state.is_paused and answer.code == Code.INVALID_STATE:
            again.append(one)
        return state
    for event in answer:
        state = evolve(state, event)
        happened[type(event).__name__] += 1
    return state


def told(state: RunState) -> Any:
    """All of the state but the count of its events and the order of its timers."""
    return replace(
        state,
        sequence=0,
        updated_at=state.created_at,
        timers=tuple(sorted(state.timers, key=lambda timer: timer.timer_id)),
    )


def told_of(happened: Counter[str]) -> dict[str, int]:
    return {name: count for name, count in happened.items() if name not in OF_THE_PAUSE}


@settings(max_examples=150, deadline=None)
@given(playbooks(), data, st.integers(0, 2**32))
def test_a_command_does_the_same_before_within_and_after_a_pause(
    steps: list[dict[str, Any]], start: dict[str, Any], seed: int
) -> None:
    chance = Random(seed)
    story = Story(playbook(*steps, sla_hours=24)).started(CALLERS[0], initial_data=start)
    for _ in range(chance.randint(0, 12)):
        story.when(command(chance, story.after(minutes=chance.randint(0, 90))))
    if story.state.is_paused:
        story.when(RESUME)
    for _ in range(4):
        sent = command(chance, story)
        if isinstance(sent, PauseRun | ResumeRun):
            continue
        without, happened = played(story, sent)
        for order in ((sent, PAUSE, RESUME), (PAUSE, sent, RESUME), (PAUSE, RESUME, sent)):
            state, events = played(story, *order)
            assert told(state) == told(without), (sent, order)
            assert told_of(events) == told_of(happened), (sent, order)


@settings(max_examples=60, deadline=None)
@given(playbooks(), data, st.integers(0, 2**32))
def test_two_commands_within_one_pause_do_what_they_do_without(
    steps: list[dict[str, Any]], start: dict[str, Any], seed: int
) -> None:
    """Sent again in their order after the resume: what the pause lets through at once comes before."""
    chance = Random(seed)
    story = Story(playbook(*steps, sla_hours=24)).started(CALLERS[0], initial_data=start)
    for _ in range(chance.randint(0, 8)):
        story.when(command(chance, story.after(minutes=chance.randint(0, 90))))
    if story.state.is_paused:
        story.when(RESUME)
    first, second = command(chance, story), command(chance, story)
    if isinstance(first, PauseRun | ResumeRun) or isinstance(second, PauseRun | ResumeRun):
        return
    state, events = played(story, PAUSE, first, second, RESUME)
    orders = [played(story, first, second), played(story, second, first)]
    assert any(told(state) == told(other) and told_of(events) == told_of(counted) for other, counted in orders)
