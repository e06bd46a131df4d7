from contracts.commands import PauseRun
from contracts.events import RunPaused
from contracts.values import rfc3339
from services.run_engine.domain.signals import record
from services.run_engine.domain.situation import Decision, Situation, invalid_field, refused_by_run
from services.run_engine.domain.state import RunState
from services.run_engine.domain.timing import resume_timer


def pause_run(state: RunState, command: PauseRun, situation: Situation) -> Decision:
    refusal = refused_by_run(state, "pause", f"pause {state.run_id}")
    if refusal is not None:
        return refusal
    until = command.pause_until
    if until is not None and until <= situation.now:
        reason = f"pause_until must lie ahead of {rfc3339(situation.now)}"
        return invalid_field("signal.pause_until", rfc3339(until), reason)
    return [
        RunPaused(
            at=situation.now,
            actor=command.caller.actor,
            signal=record(command),
            pause_until=until,
            steps=[step.step_id for step in state.steps.values() if step.is_open],
            timers=[resume_timer(state.sequence, until)] if until is not None else [],
        )
    ]
