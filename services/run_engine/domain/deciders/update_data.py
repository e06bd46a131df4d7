from contracts.commands import UpdateData
from contracts.events import DataUpdated
from contracts.rejections import Code, Rejection
from contracts.values import is_matched
from services.run_engine.domain.situation import Decision, Situation, refused_by_run
from services.run_engine.domain.state import RunState


def update_data(state: RunState, command: UpdateData, situation: Situation) -> Decision:
    """Allowed in every open status, pauses included; blocked steps look again once the run goes on."""
    refusal = refused_by_run(state, "update", f"update the data of {state.run_id}") or _outdated(state, command)
    if refusal is not None:
        return refusal
    fields = [*command.data, *(f"metadata.{key}" for key in command.metadata)]
    fields += ["priority"] if command.priority is not None else []
    if not fields:
        return []
    at_step = state.first_open
    return [
        DataUpdated(
            at=situation.now,
            actor=command.caller.actor,
            data=command.data,
            metadata=command.metadata,
            priority=command.priority,
            fields_updated=fields,
            update_type="manual",
            step_sequence=at_step.sequence if at_step is not None else None,
        )
    ]


def _outdated(state: RunState, command: UpdateData) -> Rejection | None:
    etag = f'"{state.sequence}"'
    if command.if_match is None or is_matched(etag, command.if_match):
        return None
    return Rejection(
        code=Code.CONFLICT,
        message=f"Run {state.run_id} is at another ETag",
        details={
            "field": "If-Match",
            "value": command.if_match,
            "reason": "The run was changed meanwhile: read it again and send its ETag",
            "current": etag,
        },
    )
