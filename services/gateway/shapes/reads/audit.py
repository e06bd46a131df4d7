"""Timelines, the check of their hash chains, and evidence."""

from typing import Any, Literal

from contracts.values import Moment
from services.gateway.shapes.answers import RunStatus, Shape
from services.gateway.shapes.reads.playbooks import Revision
from services.gateway.shapes.reads.runs import Run


class TimelineEvent(Shape):
    timestamp: Moment
    event_type: str
    step_sequence: int | None = None
    actor: str
    actor_type: Literal["user", "system", "service"]
    details: dict[str, Any]
    smart_code: str
    is_system_event: bool | None = None


class TimelineSummary(Shape):
    """Counts what is shown; `time_elapsed_minutes` is last minus first event."""

    total_events: int
    user_events: int
    system_events: int
    time_elapsed_minutes: float
    current_status: RunStatus


class Timeline(Shape):
    run_id: str
    timeline: list[TimelineEvent]
    summary: TimelineSummary


class ChainBreak(Shape):
    sequence: int
    reason: str


class ChainVerification(Shape):
    status: Literal["verified", "broken", "incomplete"]
    events: int
    expected_events: int
    """What the engine counts."""
    head_hash: str | None
    """Of the run's last event, as the engine keeps it."""
    algorithm: str
    broken: ChainBreak | None = None
    """The first event that does not hold."""
    missing_from: int | None = None
    """Of an incomplete history: the first event that is not there."""


class Verification(ChainVerification):
    run_id: str


class Evidence(Timeline):
    format: str
    organization_id: str
    exported_at: Moment
    exported_by: str
    run: Run
    playbook: Revision
    events: list[dict[str, Any]]
    """As they were written, in order, each with `hash` and `previous_hash`."""
    verification: ChainVerification
