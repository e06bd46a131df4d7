"""Pause against every other command, in every order: nothing is lost by it, and nothing happens twice."""

from collections import Counter
from copy import copy
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.commands import Command, FireTimer, PauseRun, RecordAutomationResult, ResumeRun
from contracts.events import AutomationRequested, Event
from contracts.rejections import Code, Rejection
from contracts.values import SYSTEM_CALLER, Caller
from services.run_engine.domain.decide import decide
from services.run_engine.domain.evolve import evolve
from services.run_engine.domain.in_flight import asked_for, orders
from services.run_engine.domain.state import RunState
from tests.unit.run_engine.story import Story, playbook
from tests.unit.run_engine.test_properties import CALLERS, command, data, playbooks, step

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
        assert not (state.is_paused and isinstance(event, AutomationRequested)), (one, event)
        state = evolve(state, event)
        happened[type(event).__name__] += 1
    return state


def told(state: RunState) -> Any:
    """All of the state but the count of its events, which a timer's id holds too, and the order of its timers."""
    timers = sorted((t.kind if t.kind == "run_overdue" else t.timer_id, t.due_at) for t in state.timers)
    return replace(state, sequence=0, updated_at=state.created_at, timers=()), timers


def told_of(happened: Counter[str]) -> dict[str, int]:
    return {name: count for name, count in happened.items() if name not in OF_THE_PAUSE}


def assert_the_same_around_a_pause(story: Story, sent: Command) -> None:
    without, happened = played(story, sent)
    for order in ((sent, PAUSE, RESUME), (PAUSE, sent, RESUME), (PAUSE, RESUME, sent)):
        state, events = played(story, *order)
        assert told(state) == told(without), (sent, order)
        assert told_of(events) == told_of(happened), (sent, order)


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
        assert_the_same_around_a_pause(story, sent)


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


@st.composite
def machines(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Playbooks of which most is done by machines, several at once."""
    made = [draw(step(sequence)) for sequence in range(1, draw(st.integers(2, 6)) + 1)]
    configs = st.fixed_dictionaries({
        "retry_attempts": st.integers(0, 2), "fallback_to_manual": st.booleans(),
        "timeout_seconds": st.sampled_from([None, 10]), "api_endpoint": st.sampled_from([None, "/call"]),
    })  # fmt: skip
    for one in made:
        if draw(st.integers(0, 3)):
            one |= {"step_type": "automated", "automation_config": draw(configs), "metadata": {}}
    return made


def of_a_machine(chance: Random, story: Story) -> Command:
    """An answer to an attempt in flight, the end of its time or of its backoff; anything where there is none."""
    in_flight = [one for one in story.state.steps.values() if one.job_id is not None]
    timers = [timer for timer in story.state.timers if timer.kind.startswith("automation")]
    if timers and (not in_flight or chance.random() < 0.4):
        timer = chance.choice(timers)
        story.now = max(story.now, timer.due_at)
        return FireTimer(caller=SYSTEM_CALLER, timer_id=timer.timer_id)
    if in_flight:
        asked = chance.choice(in_flight)
        told = {"step_id": asked.step_id, "job_id": asked.job_id, "outcome": chance.choice(["success", "failure"])}
        answer = {"caller": SYSTEM_CALLER, "retryable": chance.random() < 0.7, **told}
        return RecordAutomationResult.model_validate(answer)
    return command(chance, story)


@settings(max_examples=100, deadline=None)
@given(machines(), data, st.integers(0, 2**32))
def test_what_machines_do_is_the_same_before_within_and_after_a_pause(
    steps: list[dict[str, Any]], start: dict[str, Any], seed: int
) -> None:
    chance = Random(seed)
    story = Story(playbook(*steps, sla_hours=24)).started(CALLERS[0], initial_data=start)
    for _ in range(chance.randint(0, 8)):
        story.when(command(chance, story.after(minutes=chance.randint(0, 30))))
    if story.state.is_paused:
        story.when(RESUME)
    for _ in range(4):
        sent = of_a_machine(chance, story)
        if isinstance(sent, PauseRun | ResumeRun):
            continue
        assert_the_same_around_a_pause(story, sent)
        story.when(sent)


def without_times(story: Story) -> Any:
    """The answer without its moments, and the ids that follow from them or from the number of events before."""
    times = {"at", "due_at", "timers", "retry", "dates", "signal", "timer_id"}
    if isinstance(story.answer, Rejection):
        return story.answer.code
    return [(type(event).__name__, event.model_dump(exclude=times)) for event in story.answer]


def due(state: RunState, later: timedelta) -> Any:
    """What is due when: timers, open steps, the run."""
    timers = sorted((t.kind, t.step_id or "", t.due_at + later) for t in state.timers)
    dates = [step.due_at + later for step in state.steps.values() if step.is_open and step.due_at is not None]
    return timers, dates, state.due_at + later if state.due_at is not None and state.ended_at is None else None


@settings(max_examples=100, deadline=None)
@given(st.one_of(playbooks(), machines()), data, st.integers(0, 2**32))
def test_after_a_pause_everything_goes_on_as_without_it_later_by_as_long_as_it_was(
    steps: list[dict[str, Any]], start: dict[str, Any], seed: int
) -> None:
    chance = Random(seed)
    story = Story(playbook(*steps, sla_hours=24, reminders=[{"before_hours": 2}])).started(
        CALLERS[0], initial_data=start
    )
    for _ in range(chance.randint(0, 10)):
        story.when(command(chance, story.after(minutes=chance.randint(0, 90))))
    if story.state.is_paused:
        story.when(RESUME)
    if story.state.status not in ("active", "blocked"):
        return
    paused, pause = copy(story), timedelta(minutes=chance.randint(1, 3000))
    story.history, paused.history = list(story.history), list(story.history)
    paused.when(PAUSE).after(minutes=pause / timedelta(minutes=1)).when(RESUME)
    for _ in range(8):
        story.after(minutes=chance.randint(0, 90))
        sent = of_a_machine(chance, story) if chance.random() < 0.4 else command(chance, story)
        if isinstance(sent, PauseRun) or (isinstance(sent, FireTimer) and sent.timer_id.startswith("run_overdue")):
            continue
        story.when(sent)
        paused.now = story.now + pause
        paused.when(sent)
        assert without_times(paused) == without_times(story), sent
        assert paused.statuses() == story.statuses()
        assert due(paused.state, timedelta()) == due(story.state, pause), sent


def _answered(before: RunState, sent: Command) -> str | None:
    """The job whose answer it is: one that names another step than the job's is nobody's answer."""
    if not isinstance(sent, RecordAutomationResult) or sent.step_id not in before.steps:
        return None
    return sent.job_id if before.steps[sent.step_id].job_id == sent.job_id else None


class Automation:
    """The automation service, as far as it follows the run: its jobs, and which of them wait."""

    def __init__(self) -> None:
        self.may_begin: set[str] = set()
        self.held: set[str] = set()

    def hears(self, before: RunState, events: list[Event], after: RunState, sent: Command) -> None:
        self.may_begin |= {event.job_id for event in asked_for(events, after)}
        answered = _answered(before, sent)
        self.may_begin.discard(answered or "")
        self.held.discard(answered or "")
        for order in orders(before, after, answered):
            named = set(order.job_ids)
            assert named <= self.may_begin | self.held, order
            self.may_begin -= named
            self.held -= named
            if order.order != "withdraw":
                (self.held if order.order == "hold" else self.may_begin).update(named)


@settings(max_examples=100, deadline=None)
@given(machines(), data, st.integers(0, 2**32))
def test_what_machines_may_begin_is_what_the_run_waits_for_and_nothing_in_a_pause(
    steps: list[dict[str, Any]], start: dict[str, Any], seed: int
) -> None:
    chance, automation = Random(seed), Automation()
    story = Story(playbook(*steps, sla_hours=24)).started(CALLERS[0], initial_data=start)
    automation.hears(story.state, story.history, story.state, RESUME)
    for _ in range(25):
        before = story.state
        kind = chance.random()
        sent = PAUSE if kind < 0.15 else of_a_machine(chance, story) if kind < 0.5 else command(chance, story)
        story.after(minutes=chance.randint(0, 30)).when(sent)
        if isinstance(story.answer, Rejection):
            continue
        automation.hears(before, story.answer, story.state, sent)
        waited_for = {one.job_id for one in story.state.steps.values() if one.job_id is not None}
        if story.state.is_paused:
            assert (automation.may_begin, automation.held) == (set(), waited_for)
        else:
            assert (automation.may_begin, automation.held) == (waited_for, set())
