"""Due dates and timers. Timer ids follow from what they are for, so that each is unique in its run."""

from datetime import datetime, timedelta
from hashlib import sha256

from contracts.events import Timer
from services.run_engine.domain.loose import mapping, positive, span, texts
from services.run_engine.domain.plan import PlannedStep

_LONGEST_WAIT = 300.0
_ENDPOINT_GRACE = timedelta(seconds=30)
"""The automation service times its HTTP calls itself; the engine's own guard only steps in where that went silent."""


def due_at(step: PlannedStep, start: datetime) -> datetime | None:
    if step.sla_hours is not None:
        return start + span(step.sla_hours, timedelta(hours=1))
    minutes = positive(step.definition.timeout_minutes)
    return start + span(minutes, timedelta(minutes=1)) if minutes is not None else None


def work_timers(step: PlannedStep, attempt: int, start: datetime) -> list[Timer]:
    """Of human work: when it is overdue, and when it is escalated."""
    timers = []
    minutes = positive(step.definition.timeout_minutes)
    overdue = start + span(minutes, timedelta(minutes=1)) if minutes is not None else due_at(step, start)
    if overdue is not None:
        timers.append(_timer("step_overdue", f"overdue:{step.step_id}:{attempt}", overdue, step))
    hours = positive(escalation(step).get("after_hours"))
    if hours is not None and escalation_roles(step):
        moment = start + span(hours, timedelta(hours=1))
        timers.append(_timer("escalation", f"escalation:{step.step_id}:{attempt}", moment, step))
    return timers


def _timer(kind: str, timer_id: str, moment: datetime, step: PlannedStep) -> Timer:
    return Timer.model_validate({"timer_id": timer_id, "kind": kind, "due_at": moment, "step_id": step.step_id})


def escalation(step: PlannedStep) -> dict[str, object]:
    return mapping(step.definition.metadata.get("escalation"))


def escalation_roles(step: PlannedStep) -> list[str]:
    return texts(escalation(step).get("escalate_to"))


def resume_timer(sequence: int, moment: datetime) -> Timer:
    return Timer(timer_id=f"resume:{sequence}", kind="resume", due_at=moment)


def attempt_guard(step: PlannedStep, attempt: int, attempt_number: int, start: datetime) -> list[Timer]:
    """When an automated attempt counts as failed without an answer; never, where no `timeout_seconds` is configured."""
    config = step.definition.automation_config or {}
    seconds = positive(config.get("timeout_seconds"))
    if seconds is None:
        return []
    moment = start + span(seconds, timedelta(seconds=1))
    moment = moment + _ENDPOINT_GRACE if config.get("api_endpoint") else moment
    return [_timer("automation_timeout", f"timeout:{step.step_id}:{attempt}:{attempt_number}", moment, step)]


def retry_timer(step: PlannedStep, attempt: int, attempt_number: int, job_id: str, start: datetime) -> Timer:
    """Exponential backoff, up to a quarter longer by a jitter that follows from the job's id."""
    wait = min(_LONGEST_WAIT, 2.0 ** min(attempt_number, 16))
    jitter = int.from_bytes(sha256(job_id.encode("utf-8", "replace")).digest()[:2], "big") / 65535 / 4
    moment = start + timedelta(milliseconds=int(wait * (1 + jitter) * 1000))
    return _timer("automation_retry", f"retry:{step.step_id}:{attempt}:{attempt_number}", moment, step)


def run_due_at(sla_hours: float | None, start: datetime) -> datetime | None:
    return start + span(sla_hours, timedelta(hours=1)) if sla_hours is not None else None
