"""Automated attempts: how one begins, and what follows when it fails."""

from contracts.events import AutomationAttemptFailed, AutomationFellBack, AutomationRequested, StepFailed, Timer
from contracts.values import SYSTEM, Actor
from services.run_engine.domain import timing
from services.run_engine.domain.controls import beyond_controls
from services.run_engine.domain.evolve import RunEvent
from services.run_engine.domain.loose import is_number
from services.run_engine.domain.plan import PlannedStep
from services.run_engine.domain.situation import Situation, minutes_of_work
from services.run_engine.domain.state import RunState, StepState
from services.run_engine.domain.timing import attempt_guard, retry_timer

_DEFAULT_RETRIES = 3


def job_id(state: RunState, step: StepState, number: int) -> str:
    """Of try `number` of the step's current attempt."""
    return f"{state.run_id}:{step.step_id}:{step.attempt}:{number}"


def begun(state: RunState, step: StepState, planned: PlannedStep, number: int, situation: Situation) -> RunEvent:
    """Try `number` of the step's attempt. A machine that may not approve as much as it would is not asked."""
    beyond = beyond_controls(planned.definition, situation.policies.financial_controls)
    if beyond is not None:
        return given_up(state, step, situation, f"policy financial_controls: {beyond.details['remediation']}", SYSTEM)
    return _request(state, step, planned, number, situation)


def _request(
    state: RunState, step: StepState, planned: PlannedStep, number: int, now: Situation
) -> AutomationRequested:
    """The event that a job for try `number` of the step's attempt goes out."""
    return AutomationRequested(
        at=now.now,
        actor=SYSTEM,
        step_id=step.step_id,
        sequence=step.sequence,
        step_name=step.name,
        job_id=job_id(state, step, number),
        attempt_number=number,
        timers=attempt_guard(planned, step.attempt, number, state.clock(now.now)),
    )


def attempt_failed(
    state: RunState,
    step: StepState,
    situation: Situation,
    error: str,
    *,
    retryable: bool,
    actor: Actor,
    retry_after: float | None = None,
) -> list[RunEvent]:
    """The attempt's failure, and with it the wait for the next try, the hand-over to people, or the step's end."""
    planned = situation.plan.by_id[step.step_id]
    job, clock = job_id(state, step, step.job_attempt), state.clock(situation.now)
    again = retryable and step.job_attempt <= retries(planned)
    retry = retry_timer(planned, step.attempt, step.job_attempt, job, clock, retry_after) if again else None
    failure = AutomationAttemptFailed(
        at=situation.now, actor=actor, step_id=step.step_id, sequence=step.sequence, step_name=step.name,
        job_id=job, attempt_number=step.job_attempt, error=error, retry=retry,
    )  # fmt: skip
    return [failure] if again else [failure, given_up(state, step, situation, error, actor)]


def retries(planned: PlannedStep) -> int:
    """How many tries follow the first one."""
    configured = (planned.definition.automation_config or {}).get("retry_attempts")
    return min(1000, max(0, int(configured))) if is_number(configured) else _DEFAULT_RETRIES


def given_up(state: RunState, step: StepState, situation: Situation, error: str, actor: Actor) -> RunEvent:
    planned = situation.plan.by_id[step.step_id]
    if (planned.definition.automation_config or {}).get("fallback_to_manual") is True:
        return AutomationFellBack(
            at=situation.now, actor=actor, step_id=step.step_id, sequence=step.sequence, step_name=step.name,
            reason=error, timers=_timers_of_work(state, step, planned, situation),
            calendar=timing.used(timing.calendar_of(planned.calendar, situation.policies.calendars)),
            open_to=step.open_to(),
        )  # fmt: skip
    return StepFailed(
        at=situation.now, actor=actor, step_id=step.step_id, sequence=step.sequence, step_name=step.name,
        reason=error, duration_minutes=minutes_of_work(state, step, situation.now), failed_by=actor.id,
    )  # fmt: skip


def _timers_of_work(state: RunState, step: StepState, planned: PlannedStep, situation: Situation) -> list[Timer]:
    """The work of people begins now; the step is due when it was."""
    begin, calendars = state.clock(situation.now), situation.policies.calendars
    return timing.work_timers(planned, step.attempt, begin, step.due_at, state.data, calendars)
