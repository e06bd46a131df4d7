"""One run, as far as metrics need it."""

from datetime import datetime
from typing import TypedDict


class StepSummary(TypedDict):
    """One step of one run, over all its attempts."""

    sequence: int
    name: str
    executions: int
    completed: int
    minutes: float
    """Of the completed attempts together."""
    redone: bool
    """It was returned to or retried: no later completion of it is right the first time."""


class Completion(TypedDict):
    """A step that a person completed."""

    step_id: str
    user: str
    minutes: float
    right: bool
    """Right the first time: neither returned nor retried, and within its SLA."""


class HeldEvent(TypedDict):
    """An event that came before one that it follows."""

    sequence: int
    type: str
    event: str
    """The payload, as JSON."""


class RunSummary(TypedDict):
    run_id: str
    organization_id: str
    sequence: int
    """Of the last event that was folded; 0: none yet."""
    playbook_id: str | None
    playbook_name: str | None
    status: str
    outcome: str | None
    cancelled_by: str | None
    """Of a cancelled run: `customer` or `internal`."""
    created_at: datetime | None
    ended_at: datetime | None
    duration_minutes: float | None
    paused_seconds: float
    sla_hours: float | None
    sla_met: bool | None
    overrun_hours: float | None
    """Of a missed SLA, where the event says it."""
    estimated_duration_minutes: float | None
    entity_type: str | None
    priority: str | None
    steps: dict[str, StepSummary]
    completions: list[Completion]
    held: list[HeldEvent]
    incomplete: bool
    """Events are missing that were waited for in vain."""


def new_summary(organization_id: str, run_id: str) -> RunSummary:
    """Of a run of which nothing is known yet."""
    return RunSummary(
        run_id=run_id, organization_id=organization_id, sequence=0, playbook_id=None, playbook_name=None,
        status="active", outcome=None, cancelled_by=None, created_at=None, ended_at=None, duration_minutes=None,
        paused_seconds=0.0, sla_hours=None, sla_met=None, overrun_hours=None, estimated_duration_minutes=None,
        entity_type=None, priority=None, steps={}, completions=[], held=[], incomplete=False,
    )  # fmt: skip


OUTCOMES = (
    "successful_completion", "rejected", "cancelled_by_customer", "cancelled_internal", "failed_technical",
    "in_progress",
)  # fmt: skip


def outcome_of(run: RunSummary) -> str:
    """One of OUTCOMES: every run is in exactly one of them."""
    match run["status"]:
        case "completed":
            return "rejected" if run["outcome"] == "rejected" else "successful_completion"
        case "cancelled":
            return "cancelled_by_customer" if run["cancelled_by"] == "customer" else "cancelled_internal"
        case "failed":
            return "failed_technical"
        case _:
            return "in_progress"
