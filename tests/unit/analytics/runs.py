"""Runs as sequences of events, and as summaries."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from contracts import events
from contracts.events import Event, PlaybookRef
from contracts.values import SYSTEM, Actor
from services.analytics.domain.fold import fold
from services.analytics.domain.summary import RunSummary, new_summary
from tests.unit.timeline.events import sample

START = datetime(2024, 1, 15, 11, 0, tzinfo=UTC)
USER = Actor(id="sales_rep_001")
PLAYBOOK = PlaybookRef(
    playbook_id="pb_1", revision=1, name="Customer Onboarding", version="1.0.0", smart_code="HERA.A.B.C.v1"
)


def at(hours: float) -> datetime:
    return START + timedelta(hours=hours)


def created(**over: Any) -> Event:
    fields = {"at": START, "actor": USER, "playbook": PLAYBOOK, "context": {"entity_type": "customer"}, "sla_hours": 48}
    return sample(events.RunCreated, **fields | over)


def started(number: int, **over: Any) -> Event:
    fields = {"at": START, "step_id": f"step_{number:03d}", "sequence": number, "step_name": f"Step {number}"}
    return sample(events.StepStarted, **fields | {"attempt": 1} | over)


def completed(number: int, minutes: float = 30, user: str = "sales_rep_001", **over: Any) -> Event:
    fields = {
        "at": START, "actor": Actor(id=user), "completed_by": user, "step_id": f"step_{number:03d}",
        "sequence": number, "step_name": f"Step {number}", "outcome": "success", "duration_minutes": minutes,
    }  # fmt: skip
    return sample(events.StepCompleted, **fields | over)


def returned(to: int) -> Event:
    return sample(events.StepsReturned, from_step="step_009", to_step=f"step_{to:03d}", reset=[])


def run_completed(hours: float = 24, **over: Any) -> Event:
    fields = {"at": at(hours), "actor": SYSTEM, "outcome": "success", "sla_met": True, "duration_minutes": 60 * hours}
    return sample(events.RunCompleted, **fields | over)


def run_cancelled(**metadata: Any) -> Event:
    signal = {"signal_id": "sig_1", "metadata": metadata}
    return sample(events.RunCancelled, at=at(1), signal=signal, duration_minutes=60.0)


def summed(*happened: Event) -> RunSummary:
    return folded(enumerate(happened, 1))


def folded(numbered: Iterable[tuple[int, Event]], run_id: str = "run_1") -> RunSummary:
    summary = new_summary("org_1", run_id)
    for sequence, event in numbered:
        summary = fold(summary, sequence, event)
    return summary
