from contracts.commands import CancelRun
from contracts.events import RunCancelled
from services.run_engine.domain.signals import record
from services.run_engine.domain.situation import Decision, Situation, minutes_of_run, refused_by_run
from services.run_engine.domain.state import RunState


def cancel_run(state: RunState, command: CancelRun, situation: Situation) -> Decision:
    """From every open status; what has ended stays as it is, what never started stays pending."""
    refusal = refused_by_run(state, "cancel", f"cancel {state.run_id}")
    if refusal is not None:
        return refusal
    return [
        RunCancelled(
            at=situation.now,
            actor=command.caller.actor,
            signal=record(command),
            steps=[step.step_id for step in state.steps.values() if step.is_open],
            duration_minutes=minutes_of_run(state, situation.now),
        )
    ]
