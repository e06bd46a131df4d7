"""How long an external worker may be silent."""

from datetime import datetime, timedelta
from typing import Any

from contracts.jobs import AutomationJob
from services.automation.domain.endpoints import attempt_seconds

_SHORTEST, _LONGEST = 1.0, 24 * 3600.0


def lease_seconds(config: dict[str, Any], default: float) -> float:
    """The step's own `lease_seconds`, between a second and a day."""
    configured = _positive(config.get("lease_seconds"))
    return default if configured is None else min(max(configured, _SHORTEST), _LONGEST)


def answer_by(job: AutomationJob, now: datetime) -> datetime | None:
    """When a job that workers do for want of a base address must be answered.

    The engine takes it for a call, over which its own guard is loose. Jobs without `api_endpoint` it guards itself.
    """
    if job.api_endpoint is None or _positive(job.config.get("timeout_seconds")) is None:
        return None
    return now + timedelta(seconds=attempt_seconds(job.timeout_seconds))


def _positive(value: Any) -> float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) and value > 0 else None
