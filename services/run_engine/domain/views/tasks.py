"""One open human step, as a task list shows it."""

from contracts.definitions import StepDefinition
from services.run_engine.domain.state import RunState, StepState
from services.run_engine.domain.views.timeline import View, moment


def task_view(state: RunState, step: StepState, definition: StepDefinition) -> View:
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
        "assignee_roles": list(step.assignee_roles),
        "priority": state.priority,
        "started_at": moment(step.started_at),
        "due_at": moment(step.due_at),
        "sla_breached": step.sla_breached,
        "form_fields": definition.metadata.get("form_fields") or [],
        "approval_options": definition.metadata.get("approval_options") or [],
        "entity": {
            key: state.context[key] for key in ("entity_type", "entity_id", "entity_name") if key in state.context
        },
        "context": state.context,
        "data": state.data,
    }
