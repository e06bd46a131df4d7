from contracts.commands import UpdateData
from contracts.events import DataUpdated
from services.run_engine.domain.situation import Decision, Situation, refused_by_run
from services.run_engine.domain.state import RunState


def update_data(state: RunState, command: UpdateData, situation: Situation) -> Decision:
    """Allowed in every open status, pauses included; blocked steps look again once the run goes on."""
    refusal = refused_by_run(state, "update", f"update the data of {state.run_id}")
    if refusal is not None:
        return refusal
    if not command.data and not command.metadata:
        return []
    at_step = state.first_open
    return [
        DataUpdated(
            at=situation.now,
            actor=command.caller.actor,
            data=command.data,
            metadata=command.metadata,
            fields_updated=[*command.data, *(f"metadata.{key}" for key in command.metadata)],
            update_type="manual",
            step_sequence=at_step.sequence if at_step is not None else None,
        )
    ]
