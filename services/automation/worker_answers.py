"""What external workers say, read: an answer, one that is spoilt but names its job, or nothing that can be taken."""

from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError

from contracts.jobs import WorkerResult
from services.automation.store import KnownJob
from shared.errors import Refused
from shared.json_values import refusal_sentence, storable
from shared.messages import Record, Unreadable, describe, read_json


class _Named(BaseModel):
    """What of a spoilt answer says whose it is."""

    job_id: str
    run_id: str
    organization_id: str
    step_id: Any = None
    outcome: Any = None
    worker: Any = None


@dataclass(frozen=True, slots=True)
class SpoiltAnswer:
    """An answer that is no valid one, to a job that it names."""

    record: Record
    why: str
    job_id: str
    run_id: str
    organization_id: str
    step_id: str | None
    worker: str | None

    @property
    def unreadable(self) -> Unreadable:
        return Unreadable(self.record, _parked_for(self.why))


Answer = WorkerResult | SpoiltAnswer


def read_answer(record: Record, max_bytes: int) -> Answer | Unreadable:
    document = read_json(record)
    if isinstance(document, Unreadable):
        return document
    if len(record.value or b"") > max_bytes:
        return _spoilt(record, document, f"it has more than {max_bytes} bytes")
    try:
        storable(document)
        return WorkerResult.model_validate(document)
    except Refused as refused:
        return _spoilt(record, document, refusal_sentence(refused))
    except ValidationError as error:
        return _spoilt(record, document, describe(error))


def _spoilt(record: Record, document: Any, why: str) -> SpoiltAnswer | Unreadable:
    """A heartbeat that is spoilt ends nothing."""
    try:
        named = _Named.model_validate(document)
    except ValidationError:
        return Unreadable(record, _parked_for(why))
    if named.outcome == "heartbeat":
        return Unreadable(record, _parked_for(why))
    return SpoiltAnswer(
        record, why, named.job_id, named.run_id, named.organization_id, _text(named.step_id), _text(named.worker)
    )


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _parked_for(why: str) -> str:
    return f"not a valid WorkerResult: {why}"


def mismatch(answer: Answer, job: KnownJob | None) -> str | None:
    """Why it is no answer to a job of that organisation, run and step; None where it is one."""
    if job is None or job.organization_id != answer.organization_id:
        return f"organisation {answer.organization_id} has no job {answer.job_id}"
    if job.channel != "worker":
        return f"job {answer.job_id} was not given to workers"
    if job.run_id != answer.run_id or answer.step_id not in (job.step_id, None):
        return f"job {answer.job_id} is of run {job.run_id}, {job.step_id}"
    return None
