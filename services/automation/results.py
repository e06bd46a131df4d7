"""What goes out: results to the engine, jobs to external workers."""

from datetime import datetime

from contracts import topics
from contracts.commands import RecordAutomationResult
from contracts.encrypted import without_encrypted
from contracts.jobs import WorkerJob, WorkerResult
from contracts.values import Caller
from services.automation.domain.answers import Outcome
from services.automation.sealing import of_worker
from services.automation.store import KnownJob, StoredJob
from services.automation.worker_answers import SpoiltAnswer
from shared.clock import now
from shared.ids import stable_id
from shared.messages import OutgoingMessage, command_message

CALLER = Caller(id="automation", type="service", permissions=("*",))
_FELL_SILENT = "The lease ran out: no worker sent a heartbeat or an answer in time"
_UNANSWERED = "No worker answered within the attempt's time"

_LONGEST_ERROR, _LONGEST_NAME = 2000, 200


def outcome_message(stored: StoredJob, outcome: Outcome) -> OutgoingMessage:
    """The result of a call."""
    job = stored.job
    command = RecordAutomationResult(
        caller=CALLER, step_id=job.step_id, job_id=job.job_id, outcome=outcome.outcome, data=outcome.data,
        error=outcome.error, retryable=outcome.retryable, retry_after_seconds=outcome.retry_after_seconds,
    )  # fmt: skip
    known = KnownJob(
        job.run_id, job.organization_id, job.step_id, stored.channel, False,
        stored.correlation_id, stored.causation_id, stored.traceparent, encrypted_fields=tuple(job.encrypted_fields),
    )  # fmt: skip
    return _command(command, known)


def result_message(result: WorkerResult, known: KnownJob) -> OutgoingMessage:
    """The result that an external worker sent."""
    assert result.outcome != "heartbeat"
    command = RecordAutomationResult(
        caller=CALLER, step_id=result.step_id, job_id=result.job_id, outcome=result.outcome, data=result.data,
        error=_cut(of_worker(result.error, known.encrypted_fields), _LONGEST_ERROR), retryable=result.retryable,
        retry_after_seconds=result.retry_after_seconds,
        worker=_cut(result.worker, _LONGEST_NAME),
    )  # fmt: skip
    return _command(command, known)


def spoilt_message(answer: SpoiltAnswer, known: KnownJob) -> OutgoingMessage:
    """A failure with an id of its own, so that a valid answer, should it still come, is recorded as late.

    Another attempt would do the work again, and its worker would answer in the same way.
    """
    why = "see the parked record" if known.encrypted_fields else answer.why
    command = RecordAutomationResult(
        caller=CALLER, step_id=known.step_id, job_id=answer.job_id, outcome="failure",
        error=_cut(f"The worker's answer is not valid: {why}", _LONGEST_ERROR), retryable=False,
        worker=_cut(answer.worker, _LONGEST_NAME),
    )  # fmt: skip
    return _command(command, known, "spoilt")


def _cut(text: str | None, longest: int) -> str | None:
    return text if text is None or len(text) <= longest else f"{text[:longest]} …"


def lease_lost_message(job_id: str, known: KnownJob, at: datetime) -> OutgoingMessage:
    """A failure with an id of its own, so that the worker's answer, should it still come, is recorded as late."""
    is_over = known.answer_by is not None and known.answer_by <= at
    command = RecordAutomationResult(
        caller=CALLER, step_id=known.step_id, job_id=job_id, outcome="failure",
        error=_UNANSWERED if is_over else _FELL_SILENT, retryable=True,
    )  # fmt: skip
    return _command(command, known, "lease")


def worker_message(stored: StoredJob) -> OutgoingMessage:
    """Without encrypted values: the topic keeps its records for days, for every worker."""
    job = stored.job
    own = {"data": without_encrypted(job.data), "lease_seconds": stored.worker_lease_seconds}
    payload = WorkerJob.model_validate(job.model_dump() | own)
    return OutgoingMessage(topics.WORKER_JOBS.name, job.run_id, payload.model_dump_json().encode(), WorkerJob.__name__)


def _command(command: RecordAutomationResult, known: KnownJob, *apart: str) -> OutgoingMessage:
    """However often a job's result comes, its command has one id: the first one counts."""
    return command_message(
        topics.RUN_COMMANDS.name,
        known.run_id,
        command,
        message_id=stable_id("cmd", "automation", known.organization_id, command.job_id, *apart),
        organization_id=known.organization_id,
        correlation_id=known.correlation_id,
        causation_id=known.causation_id,
        traceparent=known.traceparent,
        time=now(),
    )
