from contracts.commands import ResumeRun
from contracts.events import RunResumed, SignalRecord
from contracts.values import Actor
from services.run_engine.domain.signals import record
from services.run_engine.domain.situation import Decision, Situation, refused_by_run
from services.run_engine.domain.state import RunState
from services.run_engine.domain.timing import dates_after_pause


def resume_run(state: RunState, command: ResumeRun, situation: Situation) -> Decision:
    refusal = refused_by_run(state, "resume", f"resume {state.run_id}")
    return refusal or [resumed(state, situation, command.caller.actor, record(command))]


def resumed(state: RunState, situation: Situation, actor: Actor, signal: SignalRecord | None) -> RunResumed:
    """Steps return to what they were; timers and due dates move, so that no time of the pause counts."""
    steps = [step.step_id for step in state.steps.values() if step.status == "paused"]
    return RunResumed(
        at=situation.now,
        actor=actor,
        signal=signal,
        steps=steps,
        paused_seconds=state.paused_seconds_now(situation.now),
        dates=dates_after_pause(state, steps, situation.now, situation.policies.calendars),
    )
