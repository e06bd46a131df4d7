"""A timer's time has come. One that no longer stands in the run does nothing."""

from datetime import timedelta

from contracts.commands import FireTimer
from contracts.events import ReminderDue, RunOverdue, StepEscalated, StepFailed, StepOverdue, StepSkipped, Timer
from contracts.values import SYSTEM, rfc3339
from services.run_engine.domain import automation
from services.run_engine.domain.deciders.resume_run import resumed
from services.run_engine.domain.evolve import RunEvent
from services.run_engine.domain.permissions import roles_added
from services.run_engine.domain.plan import PlannedStep
from services.run_engine.domain.situation import Decision, Situation, invalid_state, minutes_of_work
from services.run_engine.domain.state import RunState, StepState
from services.run_engine.domain.timing import escalation, escalation_roles

_CLOCKS_DIFFER = timedelta(seconds=5)
"""A timer is found due by one instance and fired by another, whose clock may be behind."""


def fire_timer(state: RunState, command: FireTimer, situation: Situation) -> Decision:
    timer = state.timer(command.timer_id)
    if timer is None:
        return invalid_state(f"Expected to fire {command.timer_id}, but it is no longer set.", state)
    if situation.now < timer.due_at - _CLOCKS_DIFFER:
        return invalid_state(f"Expected to fire {command.timer_id}, but it is due {rfc3339(timer.due_at)}.", state)
    if timer.kind == "resume":
        return [resumed(state, situation, SYSTEM, None)]
    if timer.kind == "run_overdue":
        due = state.due_at or timer.due_at
        return [RunOverdue(at=situation.now, actor=SYSTEM, due_at=due, timer_id=timer.timer_id)]
    return _on_step(state, state.steps[timer.step_id or ""], timer, situation)


def _on_step(state: RunState, step: StepState, timer: Timer, situation: Situation) -> list[RunEvent]:
    planned = situation.plan.by_id[step.step_id]
    match timer.kind:
        case "step_overdue":
            return _overdue(state, step, planned, timer, situation)
        case "escalation":
            return [_escalated(step, planned, escalation_roles(planned), situation, "No answer in time")]
        case "reminder":
            return [_reminded(step, timer, situation)]
        case "automation_retry":
            return [automation.begun(state, step, planned, step.job_attempt + 1, situation)]
        case "automation_timeout":
            error = "No answer within the attempt's time"
            return automation.attempt_failed(state, step, situation, error, retryable=True, actor=SYSTEM)
        case _:
            return []


def _overdue(
    state: RunState, step: StepState, planned: PlannedStep, timer: Timer, situation: Situation
) -> list[RunEvent]:
    overdue = StepOverdue(
        at=situation.now, actor=SYSTEM, step_id=step.step_id, sequence=step.sequence, step_name=step.name,
        due_at=timer.due_at, timer_id=timer.timer_id, open_to=step.open_to(),
    )  # fmt: skip
    match _on_timeout(planned):
        case "fail":
            return [overdue, _timed_out(state, step, situation)]
        case "skip":
            return [overdue, _left_out(step, situation)]
    roles = _added_when_overdue(planned, step)
    return [overdue, _escalated(step, planned, roles, situation, "Overdue")] if roles else [overdue]


def _added_when_overdue(planned: PlannedStep, step: StepState) -> list[str]:
    """Of the step's own `escalation` where that names no hour, else those that its playbook escalates to by itself."""
    if escalation_roles(planned):
        return escalation_roles(planned) if escalation(planned).get("after_hours") is None else []
    return roles_added(step, planned, planned.auto_escalation)


def _on_timeout(planned: PlannedStep) -> object:
    """Work is ended by the clock only where the step's `on_timeout` says `fail` or `skip`."""
    definition = planned.definition
    return (definition.model_extra or {}).get("on_timeout") or definition.metadata.get("on_timeout")


def _timed_out(state: RunState, step: StepState, situation: Situation) -> StepFailed:
    return StepFailed(
        at=situation.now, actor=SYSTEM, step_id=step.step_id, sequence=step.sequence, step_name=step.name,
        reason="It was not completed in time", duration_minutes=minutes_of_work(state, step, situation.now),
    )  # fmt: skip


def _left_out(step: StepState, situation: Situation) -> StepSkipped:
    return StepSkipped(
        at=situation.now, actor=SYSTEM, step_id=step.step_id, sequence=step.sequence, step_name=step.name,
        reason="It was not completed in time",
    )  # fmt: skip


def _reminded(step: StepState, timer: Timer, situation: Situation) -> ReminderDue:
    return ReminderDue(
        at=situation.now, actor=SYSTEM, step_id=step.step_id, sequence=step.sequence, step_name=step.name,
        due_at=step.due_at or timer.due_at, timer_id=timer.timer_id, assigned_to=step.assigned_to,
        candidates=list(step.candidates), assignee_roles=list(step.assignee_roles), open_to=step.open_to(),
    )  # fmt: skip


def _escalated(
    step: StepState, planned: PlannedStep, roles: list[str], situation: Situation, reason: str
) -> StepEscalated:
    added = roles_added(step, planned, roles)
    return StepEscalated(
        at=situation.now, actor=SYSTEM, step_id=step.step_id, sequence=step.sequence, step_name=step.name,
        roles_added=added, reason=reason, open_to=step.open_to(*added),
    )  # fmt: skip
