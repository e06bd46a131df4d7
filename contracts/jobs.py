"""Work for machines: what the engine asks of the automation service, and what that asks of external workers."""

from typing import Any, ClassVar, Literal

from pydantic import Field

from contracts.values import Contract, Moment, PublicMessage


class AutomationJob(Contract):
    """One attempt at an automated step. Internal: engine to automation service."""

    VERSION: ClassVar[int] = 1
    job_id: str
    run_id: str
    organization_id: str
    step_id: str
    step_name: str
    attempt_number: int
    idempotency_key: str
    """The same for all attempts at the step: `<run_id>:<step_id>:<attempt of the step>`."""
    api_endpoint: str | None
    timeout_seconds: float
    config: dict[str, Any]
    """The step's `automation_config`, whole."""
    data: dict[str, Any]
    """The run's merged data when the job was made."""
    context: dict[str, Any] = Field(default_factory=dict)
    created_at: Moment
    encrypted_fields: list[str] = Field(default_factory=list)
    """Names under which values are encrypted in `data`, and must be in the result."""


class JobsOrder(Contract):
    """What becomes of jobs whose attempts have not begun. Internal; on the topic of the jobs, behind those it names."""

    VERSION: ClassVar[int] = 1
    run_id: str
    order: Literal["hold", "release", "withdraw"]
    """The run stands still, it goes on, or the attempts have ended."""
    job_ids: list[str] = Field(min_length=1)
    sequence: int
    """Of the run when it was given: one that comes out of its turn is known by it."""


class WorkerJob(Contract):
    """A job for an external worker, on the public topic `worker.jobs`, keyed by run id."""

    VERSION: ClassVar[int] = 1
    job_id: str
    run_id: str
    organization_id: str
    step_id: str
    step_name: str
    attempt_number: int
    idempotency_key: str
    timeout_seconds: float
    lease_seconds: float = 60.0
    """Once a worker has sent a heartbeat, its next one or its answer is awaited within this time."""
    config: dict[str, Any]
    data: dict[str, Any]
    context: dict[str, Any]
    created_at: Moment


class WorkerResult(PublicMessage):
    """What a worker says on the public topic `worker.results`, as plain JSON without an envelope: its answer, or before
    that, as often as it likes, that it is still at work (`heartbeat`)."""

    job_id: str = Field(min_length=1, max_length=200)
    run_id: str = Field(min_length=1, max_length=200)
    organization_id: str = Field(min_length=1, max_length=200)
    step_id: str = Field(min_length=1, max_length=200)
    outcome: Literal["success", "failure", "heartbeat"]
    data: dict[str, Any] = Field(default_factory=dict)
    error: str | None = None
    retryable: bool = False
    retry_after_seconds: float | None = Field(default=None, ge=0, le=3600)
    worker: str | None = None
