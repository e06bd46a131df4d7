"""What became of commands whose answer was not waited for, and of bulk signals."""

from typing import Any, Literal

from contracts.values import Moment
from services.gateway.shapes.answers import ErrorBody, Shape
from services.gateway.shapes.reads.lists import Listed


class BulkCounts(Shape):
    """Numbers of runs."""

    matched: int
    pending: int
    succeeded: int
    failed: int


class OperationOutcome(Shape):
    operation_id: str
    type: Literal["command", "bulk_signal"]
    status: Literal["running", "succeeded", "failed"]
    """A bulk operation has succeeded when each of its runs has answered, whatever it was."""
    resource: str
    """Where what the command is about can be read; of a bulk operation, its results."""
    counts: BulkCounts | None = None
    """Of a bulk operation."""
    all_found: bool | None = None
    """Of a bulk operation: `matched` grows no more."""
    run_id: str | None = None
    playbook_id: str | None = None
    policy: str | None = None
    calendar: str | None = None
    webhook_id: str | None = None
    delegation_id: str | None = None
    result: dict[str, Any] | None = None
    error: ErrorBody | None = None


class BulkResult(Shape):
    """What a run has answered to a bulk operation's signal."""

    run_id: str
    status: Literal["pending", "succeeded", "failed"]
    at: Moment
    error: ErrorBody | None = None


class BulkResults(Listed):
    results: list[BulkResult]
