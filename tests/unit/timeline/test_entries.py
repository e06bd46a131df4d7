"""Each event as the timeline endpoint shows it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contracts import events
from contracts.entries import entry, event_type
from contracts.events import RUN_EVENTS, Event, PlaybookRef, SignalRecord
from contracts.values import SYSTEM, Actor, rfc3339
from services.timeline.domain.showing import view
from tests.conformance.reference import example
from tests.unit.timeline.events import REP, RUN, START, envelope, later, sample

SHOWN = example("Query Run Timeline: Request").responses[0]["data"]
MANAGER = Actor(id="sales_manager_002")


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def _of_the_reference() -> list[Event]:
    playbook = PlaybookRef(playbook_id="pb_1", revision=1, name="Customer Onboarding", version="1.0.0", smart_code="x")
    context = {"entity_type": "customer", "entity_name": "Acme Corporation", "entity_id": "cust_987654321"}
    first: dict[str, Any] = {"step_id": "step_001", "sequence": 1, "step_name": "Initial Contact"}
    second: dict[str, Any] = {"step_id": "step_002", "sequence": 2, "step_name": "Qualification Review"}
    pause = SignalRecord(signal_id="sig_789", reason="Customer requested to delay process for budget approval")
    fields = ["contact_phone", "additional_contacts"]
    second_on = timedelta(seconds=1)
    return [
        sample(events.RunCreated, at=START, actor=REP, playbook=playbook, context=context),
        sample(events.StepStarted, at=START + second_on, actor=REP, assigned_to="sales_rep_001", **first),
        sample(events.DataUpdated, at=later(15), actor=REP, fields_updated=fields, step_sequence=1),
        sample(
            events.StepCompleted, at=later(30), actor=REP, outcome="success", duration_minutes=30.0,
            completed_by="sales_rep_001", **first,
        ),
        sample(
            events.StepStarted, at=later(30) + second_on, actor=SYSTEM, assigned_to="sales_manager_002",
            auto_assigned=True, **second,
        ),
        sample(
            events.NotificationSent, at=later(30) + 2 * second_on, actor=SYSTEM, recipient="sales_manager_002",
            notification_type="step_assignment", channel="email",
        ),
        sample(
            events.RunPaused, at=later(180), actor=MANAGER, signal=pause, pause_until=_moment("2024-01-20T09:00:00Z")
        ),
    ]  # fmt: skip


def _with_milliseconds(value: Any) -> Any:
    """The reference writes whole seconds, this system milliseconds."""
    if isinstance(value, dict):
        return {name: _with_milliseconds(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_with_milliseconds(item) for item in value]
    is_moment = isinstance(value, str) and value.endswith("Z") and value.startswith("2024-")
    return rfc3339(_moment(value)) if is_moment else value


def test_shows_the_timeline_of_the_reference_word_for_word() -> None:
    stored = [envelope(event, n) for n, event in enumerate(_of_the_reference(), 1)]
    assert view(RUN, stored, include_system_events=True) == _with_milliseconds(SHOWN)


def test_hides_system_events_unless_asked_and_counts_what_is_shown() -> None:
    stored = [envelope(event, n) for n, event in enumerate(_of_the_reference(), 1)]
    shown = view(RUN, stored, include_system_events=False)
    assert [e["event_type"] for e in shown["timeline"]].count("notification_sent") == 0
    assert shown["summary"] == SHOWN["summary"] | {"total_events": 6, "system_events": 1}


@pytest.mark.parametrize("kind", RUN_EVENTS, ids=lambda kind: kind.__name__)
def test_every_registered_event_has_its_entry(kind: type[Event]) -> None:
    shown = entry(envelope(sample(kind)))
    assert shown["event_type"] == event_type(kind.__name__)
    assert shown["smart_code"] == f"HERA.PLAYBOOK.EVENT.{shown['event_type'].upper()}.v1"
    assert "problem" not in shown["details"]
    assert None not in shown["details"].values()
    assert ("step_sequence" in shown) == ("sequence" in kind.model_fields)


@pytest.mark.parametrize("kind", RUN_EVENTS, ids=lambda kind: kind.__name__)
def test_an_event_without_its_fields_still_counts_as_having_happened(kind: type[Event]) -> None:
    broken = envelope(sample(kind)).model_copy(update={"data": {"actor": 5}})
    shown = entry(broken)
    assert (shown["actor"], shown["timestamp"]) == ("unknown", rfc3339(START))


def test_tells_why_a_step_is_blocked_but_not_the_values_that_were_looked_at() -> None:
    unmet = {"condition": {"field": "ssn"}, "reason": "Field 'ssn' is missing", "actual_value": "123-45-6789"}
    shown = entry(envelope(sample(events.StepBlocked, unmet=[unmet])))
    assert shown["details"] == {"step_name": "text", "unmet_conditions": ["Field 'ssn' is missing"]}


def test_never_shows_the_data_of_a_completion() -> None:
    shown = entry(envelope(sample(events.StepCompleted, data={"ssn": "123-45-6789"})))
    assert "123-45-6789" not in str(shown)


def test_a_duration_of_nothing_and_a_missed_sla_are_told() -> None:
    shown = entry(envelope(sample(events.RunCompleted, duration_minutes=0.0, sla_met=False)))
    assert shown["details"] == {"outcome": "success", "duration_minutes": 0, "sla_met": False}
