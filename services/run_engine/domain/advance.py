"""What follows from a state by itself: which steps start, wait or are left out, and whether the run is over."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from contracts.events import (
    RunBlocked,
    RunCompleted,
    RunFailed,
    RunOutcome,
    RunUnblocked,
    StepBlocked,
    StepCancelled,
    StepFailed,
    StepSkipped,
    StepStarted,
    UnmetCondition,
)  # fmt: skip
from contracts.values import SYSTEM, Actor
from services.run_engine.domain import automation, timing
from services.run_engine.domain.conditions import Facts, unmet
from services.run_engine.domain.evolve import RunEvent, evolve
from services.run_engine.domain.permissions import roles_of
from services.run_engine.domain.plan import Edge, Plan, PlannedStep
from services.run_engine.domain.situation import Situation, minutes_of_run
from services.run_engine.domain.state import RunState, StepState

_WAITING = ("pending", "blocked")
UNMET_REASON = "Pre-conditions are not met"


class Course:
    """A run's state with the events that led on from it; each event that is added is folded at once."""

    def __init__(self, state: RunState, events: Iterable[RunEvent] = ()) -> None:
        self.state = state
        self.events: list[RunEvent] = []
        for event in events:
            self.add(event)

    def add(self, event: RunEvent) -> None:
        self.state = evolve(self.state, event)
        self.events.append(event)


def settle(course: Course, situation: Situation, opener: Actor = SYSTEM, first_assignee: str | None = None) -> None:
    """Adds to the course what follows by itself, until nothing more does. A paused or ended run is left alone.

    `opener` is the actor of the steps that start, `first_assignee` gets those without roles: both of a run's start.
    """
    if course.state.status not in ("active", "blocked"):
        return
    looking, edges = True, _Edges(situation.plan)
    while looking:
        if _fail(course, situation):
            return
        looking = _look_around(course, situation, edges, opener, first_assignee)
    _conclude(course, situation)


def _fail(course: Course, situation: Situation) -> bool:
    failed = next((s for s in course.state.steps.values() if s.status == "failed" and s.is_required), None)
    if failed is None:
        return False
    unblock(course, situation)
    for event in cancel_open(course.state, situation, f"{failed.step_id} failed"):
        course.add(event)
    duration = minutes_of_run(course.state, situation.now)
    reason = failed.reason or f"{failed.step_id} failed"
    course.add(
        RunFailed(
            at=situation.now, actor=SYSTEM, reason=reason, step_id=failed.step_id, duration_minutes=duration,
            caused_by=situation.caused_by,
        )
    )  # fmt: skip
    return True


def cancel_open(state: RunState, situation: Situation, reason: str, but: str | None = None) -> list[RunEvent]:
    return [
        StepCancelled(
            at=situation.now, actor=SYSTEM, step_id=s.step_id, sequence=s.sequence, step_name=s.name, reason=reason
        )
        for s in state.steps.values()
        if s.is_open and s.step_id != but
    ]


def unblock(course: Course, situation: Situation) -> None:
    """Says that a blocked run goes on, before it does."""
    if course.state.status == "blocked":
        blocked = [step.step_id for step in course.state.steps.values() if step.status == "blocked"]
        course.add(RunUnblocked(at=situation.now, actor=SYSTEM, steps=blocked))


def _look_around(
    course: Course, situation: Situation, edges: "_Edges", opener: Actor, first_assignee: str | None
) -> bool:
    """One walk over the steps in order, taking those whose turn it is. True where another walk may find more."""
    changed, lower_ended = False, True
    for group in situation.plan.groups:
        if not lower_ended and not situation.plan.has_edges:
            break
        for planned in group:
            step = course.state.steps[planned.step_id]
            if step.status in _WAITING and _has_turn(planned, course.state, lower_ended, situation, edges):
                changed |= _take(course, planned, situation, opener, first_assignee)
                edges.forget(planned.sequence)
                if course.state.steps[planned.step_id].status == "failed":
                    return True
        lower_ended = lower_ended and all(course.state.steps[p.step_id].is_ended for p in group)
    return changed and situation.plan.looks_at_steps


class _Edges:
    """Which edges hold, looked up once for all steps and walks, until a step that it names has changed."""

    def __init__(self, plan: Plan) -> None:
        self._ids_at = plan.ids_at
        self._known: defaultdict[int, dict[str | None, bool]] = defaultdict(dict)

    def hold(self, edges: Sequence[Edge], state: RunState) -> bool:
        for sequence, status in edges:
            known = self._known[sequence]
            if status not in known:
                known[status] = self._holds(sequence, status, state)
            if not known[status]:
                return False
        return True

    def _holds(self, sequence: int, status: str | None, state: RunState) -> bool:
        for step_id in self._ids_at[sequence]:
            step = state.steps[step_id]
            if step.status != status and not step.is_ended:
                return False
        return True

    def forget(self, sequence: int) -> None:
        """A step of that number has changed."""
        self._known.pop(sequence, None)


def _has_turn(planned: PlannedStep, state: RunState, lower_ended: bool, situation: Situation, edges: _Edges) -> bool:
    if not planned.named:
        return lower_ended
    if edges.hold(planned.named, state):
        return True
    return planned.has_choice and not unmet(planned.pre, _facts(state, situation))


def _facts(state: RunState, situation: Situation) -> Facts:
    return Facts(state.data, state.context, state.steps, situation.clear, situation.looks, situation.plan.ids_at)


def _take(
    course: Course, planned: PlannedStep, situation: Situation, opener: Actor, first_assignee: str | None
) -> bool:
    """Starts the step, or records why not. False where nothing is new."""
    step = course.state.steps[planned.step_id]
    failing = unmet(planned.pre, _facts(course.state, situation)) if planned.pre else []
    if failing and planned.on_unmet == "block" and step.status == "blocked" and list(step.unmet) == failing:
        return False
    if not failing or planned.on_unmet != "block":
        unblock(course, situation)
    events = _not_started(step, planned, failing, situation) if failing else None
    for event in events or _start(course.state, planned, situation, opener, first_assignee):
        course.add(event)
    if not failing and course.state.steps[planned.step_id].execution_mode == "automated":
        started = course.state.steps[planned.step_id]
        course.add(automation.begun(course.state, started, planned, 1, situation))
    return True


def _not_started(
    step: StepState, planned: PlannedStep, failing: list[UnmetCondition], situation: Situation
) -> Iterator[RunEvent]:
    at, step_id, sequence, name = situation.now, step.step_id, step.sequence, step.name
    match planned.on_unmet:
        case "block":
            yield StepBlocked(at=at, actor=SYSTEM, step_id=step_id, sequence=sequence, step_name=name, unmet=failing)
        case "skip":
            yield StepSkipped(
                at=at, actor=SYSTEM, step_id=step_id, sequence=sequence, step_name=name, reason=UNMET_REASON,
                unmet=failing,
            )  # fmt: skip
        case "fail":
            reason = f"{UNMET_REASON}: " + "; ".join(condition.reason for condition in failing)
            yield StepFailed(
                at=at, actor=SYSTEM, step_id=step_id, sequence=sequence, step_name=name, reason=reason,
                duration_minutes=0,
            )  # fmt: skip


def _start(
    state: RunState, planned: PlannedStep, situation: Situation, opener: Actor, first_assignee: str | None
) -> Iterator[RunEvent]:
    definition, step, start = planned.definition, state.steps[planned.step_id], situation.now
    dates = timing.work_dates(planned, step.attempt + 1, start, state.data, situation.policies.calendars)
    automated = definition.step_type == "automated"
    roles = roles_of(step, planned)
    named = step.assigned_to or step.candidates or roles or planned.asks_several
    assignee = step.assigned_to if named else first_assignee
    yield StepStarted(
        at=start,
        actor=opener,
        step_id=planned.step_id,
        sequence=planned.sequence,
        step_name=definition.name,
        step_type=definition.step_type,
        attempt=step.attempt + 1,
        execution_mode="automated" if automated else "manual",
        assigned_to=None if automated else assignee,
        assignee_roles=list(roles),
        candidates=[] if automated else list(step.candidates),
        auto_assigned=step.auto_assigned and not automated,
        due_at=dates.due_at,
        timers=[] if automated else dates.timers,
        calendar=dates.calendar if dates.due_at is not None or dates.timers else None,
        caused_by=situation.caused_by,
    )


def _conclude(course: Course, situation: Situation) -> None:
    """The run's own status, once no step moves any more."""
    steps = course.state.steps.values()
    if all(step.is_ended for step in steps):
        unblock(course, situation)
        course.add(run_completed(course.state, situation, "success"))
    elif any(step.status == "in_progress" for step in steps):
        unblock(course, situation)
    elif course.state.status == "active":
        blocked = [step.step_id for step in steps if step.status == "blocked"]
        course.add(RunBlocked(at=situation.now, actor=SYSTEM, steps=blocked))


def run_completed(state: RunState, situation: Situation, outcome: RunOutcome) -> RunCompleted:
    return RunCompleted(
        at=situation.now,
        actor=SYSTEM,
        outcome=outcome,
        sla_met=situation.now <= state.due_at if state.due_at is not None else None,
        overrun_hours=timing.overrun_hours(state, situation.now, situation.policies.calendars),
        duration_minutes=minutes_of_run(state, situation.now),
        caused_by=situation.caused_by,
    )
