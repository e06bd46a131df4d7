"""Timelines, the check of their hash chains, and evidence."""

from typing import Any, Literal

from contracts.access_log import AccessOutcome
from contracts.values import Moment
from services.gateway.shapes.answers import RunStatus, Shape
from services.gateway.shapes.reads.lists import Listed
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


class Access(Shape):
    """One access, or several refused calls of one kind. It holds no value of a field."""

    access_id: str
    at: Moment
    until: Moment | None = None
    """Of several calls: when the last one came."""
    count: int
    """How many calls the record stands for."""
    run_id: str | None = None
    step_id: str | None = None
    """The automated step whose call was given clear values."""
    user: str | None = None
    """The token's subject, or the service; missing where there was no valid token."""
    user_type: Literal["user", "system", "service"] | None = None
    operation: str | None = None
    """The operation's id in this document, or `automated_call`."""
    fields: list[str]
    """The encrypted fields that were opened for the answer, or are in the evidence as ciphertext; `secret:<name>` for a
    named secret."""
    outcome: AccessOutcome
    """`disclosed`: clear values were returned. `exported`: evidence was, with ciphertext. `allowed`: a key or
    a secret was changed, or data erased. `refused`: the call was answered with `status`."""
    status: Literal[401, 403, 404, 429] | None = None
    correlation_id: str
    """The call's `X-Request-ID`; of several calls the first one's."""


class AccessLog(Listed):
    access_log: list[Access]


class RunAccessLog(AccessLog):
    run_id: str
