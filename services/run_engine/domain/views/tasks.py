"""One open human step, as a task list shows it."""

from contracts.values import Caller
from services.run_engine.domain.acting import capacities, may_complete, substitutes_of
from services.run_engine.domain.situation import Situation
from services.run_engine.domain.sizes import json_bytes
from services.run_engine.domain.state import RunState, StepState
from services.run_engine.domain.views.open_steps import other_metadata
from services.run_engine.domain.views.timeline import View, moment

_DATA_SHOWN = 16 * 1024


def task_view(state: RunState, step: StepState, caller: Caller, at: Situation) -> View:
    """`on_behalf_of`: for whom the caller would do it; null where it is their own, or no one's."""
    capacity = next(capacities(caller, state, step, at), None)
    definition = at.plan.by_id[step.step_id].definition
    return {
        "run_id": state.run_id,
        "playbook_id": state.playbook.playbook_id,
        "playbook_name": state.playbook.name,
        "step_id": step.step_id,
        "step_name": step.name,
        "step_type": step.step_type,
        "description": definition.description,
        "sequence": step.sequence,
        "status": step.status,
        "assigned_to": step.assigned_to,
        "candidates": list(step.candidates),
        "substitutes": substitutes_of(step, at.policies, at.now),
        "on_behalf_of": capacity.on_behalf_of if capacity is not None else None,
        "can_complete": may_complete(caller, state, step, at),
        "assignee_roles": list(step.assignee_roles),
        "priority": state.priority,
        "started_at": moment(step.started_at),
        "due_at": moment(step.due_at),
        "sla_breached": step.sla_breached,
        "form_fields": definition.metadata.get("form_fields") or [],
        "approval_options": definition.metadata.get("approval_options") or [],
        "metadata": other_metadata(definition.metadata),
        "entity": {
            key: state.context[key] for key in ("entity_type", "entity_id", "entity_name") if key in state.context
        },
        "context": state.context,
        **_data(state),
    }


def _data(state: RunState) -> View:
    """A page has up to a hundred tasks: large data is read from the run."""
    return {"data": state.data} if json_bytes(state.data) <= _DATA_SHOWN else {"left_out": ["data"]}
