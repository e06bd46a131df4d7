"""Tasks as rows of their own, one for each step that waits for a person: what lists of tasks are sorted and counted by.

The runs say what is true; a row only leads to its run. See docs/decisions/0022.
"""

from datetime import UTC, datetime

from services.run_engine.domain.state import RunState, StepState
from services.run_engine.execution import StoredRun
from shared.mongo import Document

ANYONE = "*"
"""In `for`: whoever may complete steps."""
NEVER = datetime(9999, 12, 31, tzinfo=UTC)
"""Stands where nothing is due, and sorts last."""
_RANKS = {"critical": 0, "urgent": 0, "high": 1, "normal": 2, "medium": 2, "low": 3}
_USUAL_RANK = 2


def for_user(user_id: str) -> str:
    return f"user:{user_id}"


def for_role(role: str) -> str:
    return f"role:{role}"


def row_id(run_id: str, step_id: str) -> str:
    return f"{run_id}:{step_id}"


def rows_of(run: StoredRun) -> dict[str, Document]:
    """By row id, for the run as it stands."""
    state = run.state
    if state.status != "active":
        return {}
    return {row_id(state.run_id, step.step_id): _row(state, step) for step in state.steps.values() if is_task(step)}


def is_task(step: StepState) -> bool:
    return step.status == "in_progress" and step.execution_mode == "manual"


def _row(state: RunState, step: StepState) -> Document:
    return {
        "organization_id": state.organization_id,
        "run_id": state.run_id,
        "step_id": step.step_id,
        "playbook_id": state.playbook.playbook_id,
        "for": _for(step),
        "assigned_to": step.assigned_to,
        "priority": state.priority,
        "rank": _RANKS.get(state.priority, _USUAL_RANK),
        "due": step.due_at or NEVER,
    }


def _for(step: StepState) -> list[str]:
    people = dict.fromkeys(user for user in (step.assigned_to, *step.candidates) if user is not None)
    return [*map(for_user, people), *map(for_role, step.assignee_roles)] or [ANYONE]
