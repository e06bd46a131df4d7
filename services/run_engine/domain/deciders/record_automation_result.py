from contracts.commands import RecordAutomationResult
from contracts.events import LateResultRecorded, StepCompleted
from contracts.values import Actor
from services.run_engine.domain import automation
from services.run_engine.domain.bounds import too_much
from services.run_engine.domain.controls import beyond_controls
from services.run_engine.domain.lifecycle import RUN_OPEN
from services.run_engine.domain.requirements import promises_violated
from services.run_engine.domain.situation import Decision, Situation, minutes_of_work, unknown_step
from services.run_engine.domain.state import RunState, StepState


def record_automation_result(state: RunState, command: RecordAutomationResult, situation: Situation) -> Decision:
    """What a machine's attempt came to. Taken during a pause as well; too late for its job, it changes nothing."""
    step = state.steps.get(command.step_id)
    if step is None:
        return unknown_step(state, command.step_id)
    if state.status not in RUN_OPEN or step.job_id != command.job_id:
        return [_late(step, command, situation)]
    actor = _worker(command)
    if command.outcome == "failure":
        error = command.error or "The attempt failed"
        return automation.attempt_failed(
            state, step, situation, error, retryable=command.retryable, actor=actor,
            retry_after=command.retry_after_seconds,
        )  # fmt: skip
    beyond = beyond_controls(situation.plan.by_id[step.step_id].definition, situation.policies.financial_controls)
    if beyond is not None:
        error = f"policy financial_controls: {beyond.details['remediation']}"
        return automation.attempt_failed(state, step, situation, error, retryable=False, actor=actor)
    oversized = too_much(state, command.data)
    if oversized is not None:
        return automation.attempt_failed(state, step, situation, oversized.message, retryable=False, actor=actor)
    broken = promises_violated(state, step, situation, command.data, [])
    if broken:
        error = "; ".join(f"{found['condition']}: {found['reason']}" for found in broken)
        return automation.attempt_failed(state, step, situation, error, retryable=False, actor=actor)
    return [_completed(state, step, command, situation, actor)]


def _worker(command: RecordAutomationResult) -> Actor:
    return Actor(id=command.worker, type="service") if command.worker else command.caller.actor


def _late(step: StepState, command: RecordAutomationResult, situation: Situation) -> LateResultRecorded:
    return LateResultRecorded(
        at=situation.now,
        actor=_worker(command),
        step_id=step.step_id,
        sequence=step.sequence,
        step_name=step.name,
        job_id=command.job_id,
        outcome=command.outcome,
        step_status=step.status,
    )


def _completed(
    state: RunState, step: StepState, command: RecordAutomationResult, situation: Situation, actor: Actor
) -> StepCompleted:
    return StepCompleted(
        at=situation.now,
        actor=actor,
        step_id=step.step_id,
        sequence=step.sequence,
        step_name=step.name,
        outcome="success",
        completed_by=actor.id,
        data=command.data,
        duration_minutes=minutes_of_work(state, step, situation.now),
        sla_breached=step.due_at is not None and state.clock(situation.now) > step.due_at,
    )
