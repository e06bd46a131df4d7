"""An exported document: its chain, and that nothing in it says anything else than its events."""

from collections.abc import Callable
from typing import Any

import pytest

from contracts import events
from contracts.events import Event, PlaybookRef
from services.timeline.domain.evidence import evidence_verification
from services.timeline.domain.showing import legible, view
from services.timeline.domain.verification import own_head, verification
from shared.messages import hash_of
from tests.unit.timeline.events import ORGANIZATION, RUN, later, sample, wire

PLAYBOOK = PlaybookRef(playbook_id="pb_1", revision=2, name="Onboarding", version="1.0.0", smart_code="x")
STEP: dict[str, Any] = {"step_id": "step_001", "sequence": 1, "step_name": "Check"}
Document = dict[str, Any]


def _document() -> Document:
    happened: list[Event] = [
        sample(events.RunCreated, playbook=PLAYBOOK, context={"entity_name": "Acme"}),
        sample(events.StepStarted, at=later(1), assigned_to="ann", **STEP),
        sample(events.StepOverdue, at=later(30), **STEP),
        sample(
            events.StepCompleted, at=later(40), completed_by="ann", outcome="success", duration_minutes=39.0, **STEP
        ),
        sample(events.RunCompleted, at=later(40), duration_minutes=40.0),
    ]
    chain: list[dict[str, Any]] = []
    for number, event in enumerate(happened, 1):
        chain.append(wire(event, number, chain[-1]["hash"] if chain else None))
    return {
        "organization_id": ORGANIZATION,
        "run": {"run_id": RUN, "version": 4, "status": "active"},  # it was read before its last event came
        "playbook": {**PLAYBOOK.model_dump(), "steps": []},
        **view(RUN, legible(chain), include_system_events=True),
        "events": chain,
        "verification": verification(chain, own_head(chain), hash_of, len(chain)),
    }


def test_a_document_that_was_not_touched_holds() -> None:
    document = _document()
    assert evidence_verification(document, hash_of) == document["verification"]


def test_what_a_later_version_tells_more_of_an_event_is_no_fault_of_the_document() -> None:
    document = _document()
    del document["timeline"][3]["details"]["duration_minutes"]
    assert evidence_verification(document, hash_of)["status"] == "verified"


def _entry(number: int, **changes: Any) -> Callable[[Document], None]:
    return lambda document: document["timeline"][number - 1].update(changes)


def _details(number: int, **changes: Any) -> Callable[[Document], None]:
    return lambda document: document["timeline"][number - 1]["details"].update(changes)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        (_entry(4, actor="bob"), "entry 4 of `timeline`"),
        (_entry(4, timestamp="2024-01-15T11:39:00.000Z"), "entry 4 of `timeline`"),
        (_entry(4, event_type="step_failed"), "entry 4 of `timeline`"),
        (_entry(4, approved_by="boss"), "entry 4 of `timeline`"),
        (_details(4, outcome="failure"), "entry 4 of `timeline`"),
        (_details(4, approved_by="boss"), "entry 4 of `timeline`"),
        (lambda d: d["timeline"].pop(2), "`timeline` has 4 entries for 5 events"),
        (lambda d: d["summary"].update(user_events=0), "`summary`"),
        (lambda d: d["run"].update(status="completed"), "`run.status` is completed, and they say active"),
        (lambda d: d["run"].update(version=6), "`run`"),
        (lambda d: d["run"].update(run_id="run_other"), "`run`"),
        (lambda d: d["playbook"].update(revision=1), "`playbook.revision` is 1"),
        (lambda d: d["playbook"].update(name="Other"), "`playbook.name` is Other"),
        (lambda d: d.update(organization_id="org_2"), "event 1 is of another run or organization"),
        (lambda d: d.update(run_id="run_other"), "event 1 is of another run or organization"),
    ],
)
def test_what_says_something_else_than_the_events_is_found(changes: Callable[[Document], None], reason: str) -> None:
    document = _document()
    changes(document)
    found = evidence_verification(document, hash_of)
    assert (found["status"], found["reason"].startswith(reason)) == ("altered", True), found


@pytest.mark.parametrize(
    "changes",
    [
        lambda d: d["events"].append(wire(sample(events.DataUpdated), 6, d["events"][-1]["hash"])),
        lambda d: d["events"][1]["data"].update(assigned_to="bob"),
        lambda d: d["events"].pop(),
        lambda d: d["verification"].update(head_hash="0" * 64),
    ],
)
def test_an_event_that_was_added_changed_or_taken_away_breaks_it(changes: Callable[[Document], None]) -> None:
    document = _document()
    changes(document)
    assert evidence_verification(document, hash_of)["status"] in ("broken", "incomplete")
