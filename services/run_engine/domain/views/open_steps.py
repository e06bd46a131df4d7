"""Steps that are open now, with what is needed to work on them: what an answer hands on to whoever is next.

A run keeps its last answers, so each has its bound: what is large is left out, and read from the step itself.
"""

from contracts.values import Caller
from services.run_engine.domain.acting import may_complete, substitutes_of
from services.run_engine.domain.permissions import roles_of
from services.run_engine.domain.plan import Plan
from services.run_engine.domain.situation import Situation
from services.run_engine.domain.sizes import json_bytes
from services.run_engine.domain.state import RunState
from services.run_engine.domain.views.masking import masked_run
from services.run_engine.domain.views.timeline import View, moment, present

STEPS_SHOWN = 50
BYTES_SHOWN = 64 * 1024
"""Of data and definitions in one answer."""
_LARGE = ("form_fields", "approval_options", "metadata", "data")


def open_steps_view(state: RunState, situation: Situation, caller: Caller) -> View:
    """All that is open now: what the run waits for, also where that is a machine's or somebody else's."""
    open_steps = [step.step_id for step in state.steps.values() if step.is_open]
    if not open_steps:
        return {"next_steps": []}
    shown = open_steps[:STEPS_SHOWN]
    views = _views(state, shown, situation, caller)
    total = {"next_steps_total": len(open_steps)} if len(open_steps) > len(shown) else {}
    return {"next_steps": views, **total}


def open_step_view(state: RunState, step_id: str, situation: Situation, caller: Caller) -> View:
    return _views(state, [step_id], situation, caller)[0]


def _views(state: RunState, step_ids: list[str], situation: Situation, caller: Caller) -> list[View]:
    plan = situation.plan
    size = json_bytes(state.data) * len(step_ids) + sum(plan.by_id[step_id].shown_bytes for step_id in step_ids)
    if size > BYTES_SHOWN:
        return [{**_brief(state, step_id, situation, caller), "left_out": list(_LARGE)} for step_id in step_ids]
    seen = masked_run(state, plan)  # whoever the caller is: answers are kept, and travel over Kafka
    return [{**_brief(seen, step_id, situation, caller), **_details(seen, step_id, plan)} for step_id in step_ids]


def _brief(state: RunState, step_id: str, situation: Situation, caller: Caller) -> View:
    step = state.steps[step_id]
    return present(
        {
            "step_id": step.step_id,
            "sequence": step.sequence,
            "status": step.status,
            "assigned_to": step.assigned_to,
            "candidates": list(step.candidates) or None,
            "substitutes": substitutes_of(step, situation.policies, situation.now) or None,
            "started_at": moment(step.started_at),
            "due_at": moment(step.due_at),
            "step_name": step.name,
            "step_type": step.step_type,
            "execution_mode": step.execution_mode,
            "assignee_roles": list(roles_of(step, situation.plan.by_id[step_id])),
            "can_complete": step.status == "in_progress" and may_complete(caller, state, step, situation),
        }
    )


def _details(seen: RunState, step_id: str, plan: Plan) -> View:
    metadata = plan.by_id[step_id].definition.metadata
    return present(
        {
            "waits_for": [unmet.model_dump() for unmet in seen.steps[step_id].unmet] or None,
            "form_fields": metadata.get("form_fields"),
            "approval_options": metadata.get("approval_options"),
            "metadata": other_metadata(metadata) or None,
            "data": dict(seen.data),
        }
    )


def other_metadata(metadata: View) -> View:
    """What else the definition says to whoever works on the step: checklists, outputs, hints."""
    return {name: value for name, value in metadata.items() if name not in ("form_fields", "approval_options")}
