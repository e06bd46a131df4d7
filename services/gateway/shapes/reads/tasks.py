"""The caller's tasks."""

from typing import Any

from contracts.values import Moment
from services.gateway.shapes.answers import Shape
from services.gateway.shapes.reads.lists import Listed


class Task(Shape):
    """An open step that waits for the caller, or for one of the caller's roles."""

    run_id: str
    playbook_id: str
    playbook_name: str
    step_id: str
    step_name: str
    step_type: str
    description: str | None
    sequence: int
    status: str
    assigned_to: str | None
    candidates: list[str]
    """Users who are named for it, of whom any may act."""
    substitutes: list[str]
    """Who may act just now for those whom it names."""
    on_behalf_of: str | None
    """For whom the caller would do it; null where it is for themselves."""
    can_complete: bool
    """False where a rule of segregation keeps the caller from it, or an approval matrix asks none of their roles."""
    assignee_roles: list[str]
    priority: str
    started_at: Moment | None
    due_at: Moment | None
    sla_breached: bool
    form_fields: list[dict[str, Any]]
    approval_options: list[dict[str, Any]]
    metadata: dict[str, Any]
    """What else the step's definition says: checklists, outputs, hints."""
    entity: dict[str, Any]
    """What of `entity_type`, `entity_id` and `entity_name` the run's context names."""
    context: dict[str, Any]
    data: dict[str, Any] | None = None
    """The run's, which the step may need."""
    left_out: list[str] | None = None
    """`data`, where it is large: read the run."""


class TaskPage(Listed):
    tasks: list[Task]
    """May be fewer than `limit`: those that were done in this very moment, and those of a lower role at which the
    policy `role_order` does not let the caller's act, are left out when a page is made."""


class TaskCounts(Shape):
    """Of the caller's tasks."""

    total: int
    assigned_to_me: int
    unassigned: int
    overdue: int
    by_priority: dict[str, int]
