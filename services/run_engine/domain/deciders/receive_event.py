from contracts.commands import ReceiveEvent
from contracts.events import DataUpdated
from services.run_engine.domain.situation import Decision, Situation, invalid_field, refused_by_run
from services.run_engine.domain.state import RunState


def receive_event(state: RunState, command: ReceiveEvent, situation: Situation) -> Decision:
    """Something happened elsewhere: its data joins the run's, and blocked steps look again."""
    refusal = refused_by_run(state, "event", f"take the event {command.name} into {state.run_id}")
    if refusal is not None:
        return refusal
    if not command.name.strip():
        return invalid_field("signal.name", command.name, "An event has a name, such as payment_received")
    at_step = state.first_open
    return [
        DataUpdated(
            at=situation.now,
            actor=command.caller.actor,
            data=command.data,
            fields_updated=list(command.data),
            update_type="event",
            event_name=command.name,
            step_sequence=at_step.sequence if at_step is not None else None,
        )
    ]
