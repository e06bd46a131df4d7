"""Runs that earlier versions have written, in the hands of this one: they last for months, and outlive versions."""

from datetime import UTC, datetime
from functools import reduce
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import orjson
import pytest

from contracts.commands import CancelRun
from contracts.definitions import PlaybookDefinition
from contracts.entries import entry
from contracts.envelope import Envelope
from contracts.events import Event
from contracts.policies import DEFAULT_POLICIES
from contracts.rejections import Rejection
from contracts.topics import RUN_EVENTS
from contracts.values import Caller
from services.analytics.domain.fold import fold
from services.analytics.domain.summary import new_summary
from services.run_engine.documents import from_document
from services.run_engine.domain.decide import decide
from services.run_engine.domain.evolve import evolve
from services.run_engine.domain.lifecycle import RUN_OPEN
from services.run_engine.domain.state import RunState
from services.timeline.domain.chain import verify
from shared.messages import Message, hash_of, read
from tests.histories import FOLDER, History, recorded

CANCEL = CancelRun(caller=Caller(id="admin", permissions=("*",)), signal_id="sig_1", reason="no longer needed")


@pytest.fixture(params=recorded(), ids=lambda path: f"{path.parent.name}/{path.stem}")
def history(request: pytest.FixtureRequest) -> History:
    path: Path = request.param
    return History.read(path)


def events_of(history: History) -> list[Event]:
    """As this version reads them, brought up where they are of an earlier one."""
    read_now = [read(_record(event)) for event in history.events]
    messages = [found for found in read_now if isinstance(found, Message)]
    assert len(messages) == len(read_now), read_now
    return [message.payload for message in messages if isinstance(message.payload, Event)]


def _record(event: dict[str, Any]) -> Any:
    value = orjson.dumps(event)
    return SimpleNamespace(topic=RUN_EVENTS.name, partition=0, offset=1, timestamp=0, key=None, value=value, headers=())


def folded(events: list[Event]) -> RunState:
    state: RunState | None = reduce(evolve, events, None)
    assert state is not None
    return state


def test_there_are_some() -> None:
    assert {path.parent.name for path in recorded()} >= {"0.1"}, FOLDER


def test_the_events_still_fold_to_the_state_that_was_stored(history: History) -> None:
    assert folded(events_of(history)) == from_document(history.run).state


def test_the_chain_still_holds_up_to_the_engines_head(history: History) -> None:
    assert verify(history.events, hash_of) is None
    assert history.events[-1]["hash"] == from_document(history.run).head_hash


def test_what_auditors_have_read_still_reads_the_same(history: History) -> None:
    for event, shown in zip(history.events, history.entries, strict=True):
        now = entry(Envelope.model_validate(event))
        assert now | shown == now
        assert now["details"] | shown["details"] == now["details"]


def test_what_managers_have_counted_still_counts_the_same(history: History) -> None:
    run = history.run
    summary = new_summary(run["organization_id"], run["_id"])
    for sequence, event in enumerate(events_of(history), 1):
        summary = fold(summary, sequence, event)
    counted = {name: value for name, value in history.summary.items() if name not in ("_id", "written")}
    assert dict(summary) | counted == summary


def test_every_command_that_was_taken_still_has_its_answer(history: History) -> None:
    journal = from_document(history.run).journal
    assert journal.entries
    assert all(journal.answer_again(e.command_id, e.fingerprint, e.offset) for e in journal.entries)


def test_a_run_that_is_open_goes_on(history: History) -> None:
    state, definition = from_document(history.run).state, PlaybookDefinition.model_validate(history.definition)
    came = decide(state, definition, DEFAULT_POLICIES, CANCEL, datetime.now(UTC))
    assert isinstance(came, Rejection) is (state.status not in RUN_OPEN), came
