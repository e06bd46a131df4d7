from contracts.commands import RetryStep
from contracts.events import RunReopened, StepRetried
from contracts.rejections import Rejection
from services.run_engine.domain.evolve import RunEvent
from services.run_engine.domain.signals import chosen_step, record
from services.run_engine.domain.situation import Decision, Situation, refused_by_run, refused_by_step
from services.run_engine.domain.state import RunState, StepState
from services.run_engine.domain.timing import run_overdue_timer


def retry_step(state: RunState, command: RetryStep, situation: Situation) -> Decision:
    """A fresh attempt at a failed step. A failed run is active again; its other required failures are retried with it,
    since it would fail of them at once."""
    refusal = refused_by_run(state, "retry", f"retry a step of {state.run_id}")
    if refusal is not None:
        return refusal
    step = chosen_step(state, command.step_id, ("failed",), "failed")
    if isinstance(step, Rejection):
        return step
    refusal = refused_by_step(state, step, "retry")
    if refusal is not None:
        return refusal
    steps = [step, *_other_failures(state, step)]
    return [*_reopened(state, command, situation), *(_retried(s, command, situation) for s in steps)]


def _other_failures(state: RunState, chosen: StepState) -> list[StepState]:
    if state.status != "failed":
        return []
    return [s for s in state.steps.values() if s.status == "failed" and s.is_required and s is not chosen]


def _reopened(state: RunState, command: RetryStep, situation: Situation) -> list[RunEvent]:
    if state.status != "failed":
        return []
    timers = [] if state.sla_breached else run_overdue_timer(state.sequence, state.due_at)
    return [RunReopened(at=situation.now, actor=command.caller.actor, signal=record(command), timers=timers)]


def _retried(step: StepState, command: RetryStep, situation: Situation) -> StepRetried:
    return StepRetried(
        at=situation.now,
        actor=command.caller.actor,
        step_id=step.step_id,
        sequence=step.sequence,
        step_name=step.name,
        reason=command.reason,
    )
