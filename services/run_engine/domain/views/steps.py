"""One step of a run: what it asks for, what came of it, and its history."""

from services.run_engine.domain.plan import PlannedStep
from services.run_engine.domain.state import AttemptRecord, RunState, StepState
from services.run_engine.domain.views.open_steps import other_metadata
from services.run_engine.domain.views.runs import attempt_row, step_details, step_row
from services.run_engine.domain.views.timeline import View, present


def step_view(state: RunState, step: StepState, planned: PlannedStep) -> View:
    """`attempts` has them all, oldest first, the current one last."""
    definition = planned.definition
    rest = {name: value for name, value in step_details(step, planned).items() if name != "previous_attempts"}
    return {
        "run_id": state.run_id,
        **present({**step_row(step), **rest, "description": definition.description}),
        "form_fields": definition.metadata.get("form_fields") or [],
        "approval_options": definition.metadata.get("approval_options") or [],
        "metadata": other_metadata(definition.metadata),
        "data": step.data,
        "attachments": [attachment.model_dump(mode="json") for attachment in step.attachments],
        "attempts": [attempt_row(record) for record in (*step.history, *_current(step))],
    }


def _current(step: StepState) -> list[AttemptRecord]:
    """None before the step was ever started, or while it is to be done again."""
    if step.started_at is None and step.ended_at is None:
        return []
    return [
        AttemptRecord(
            step.attempt, step.status, step.started_at, step.ended_at, step.completed_by, step.outcome,
            step.on_behalf_of,
        )
    ]  # fmt: skip
