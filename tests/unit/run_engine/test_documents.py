"""A run as a document: it comes back as it was, and what an update sets makes the old document the new one."""

from copy import deepcopy
from random import Random
from typing import Any

import bson
from bson.codec_options import CodecOptions
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.commands import Command, StartRun
from contracts.envelope import Envelope
from services.run_engine.documents import changes, from_document, to_document
from services.run_engine.domain.copying import changed
from services.run_engine.execution import StoredRun, take
from services.run_engine.journal import Entry, Journal
from shared.messages import Message
from tests.unit.run_engine.story import IN_AN_OFFICE, Story, playbook
from tests.unit.run_engine.test_properties import CALLERS, command, data, playbooks

AWARE: CodecOptions[dict[str, Any]] = CodecOptions(tz_aware=True)


def as_stored(document: dict[str, Any]) -> dict[str, Any]:
    """What MongoDB gives back."""
    return bson.decode(bson.encode(document), AWARE)


def after_update(document: dict[str, Any], update: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """What MongoDB's $set, $push and $unset make of a document."""
    result = deepcopy(document)
    for path, value in update["$set"].items():
        place, last = _place(result, path)
        place[last] = value
    for path, value in update.get("$push", {}).items():
        place, last = _place(result, path)
        place[last] = [*place[last], *value["$each"]]
    for path in update.get("$unset", {}):
        place, last = _place(result, path)
        del place[last]
    return result


def _place(document: dict[str, Any], path: str) -> tuple[dict[str, Any], str]:
    *parents, last = path.split(".")
    for name in parents:
        document = document[name]
    return document, last


def delivered(payload: Command, number: int, story: Story) -> Message:
    envelope = Envelope(
        id=f"cmd_{number}",
        type=type(payload).__name__,
        version=1,
        key="run_1",
        organization_id="org_1",
        correlation_id=f"req_{number}",
        time=story.now,
        data={},
    )
    return Message(envelope, payload, partition=number % 2, offset=number)


class Run:
    """A run that takes whatever comes, as the loop stores it."""

    def __init__(self, steps: list[dict[str, Any]], start: dict[str, Any], seed: int) -> None:
        self.chance = Random(seed)
        self.story = Story(playbook(*steps, sla_hours=24, reminders=[{"before_hours": 2}]), IN_AN_OFFICE)
        self.number = 0
        self.stored = self._taken(
            None,
            StartRun(
                caller=CALLERS[0],
                run_id="run_1",
                organization_id="org_1",
                definition=self.story.definition,
                initial_data=start,
            ),
        )

    def goes_on(self) -> StoredRun:
        """After one more command, pruned now and then."""
        self.story.run = self.stored.state
        sent = command(self.chance, self.story.after(minutes=self.chance.randint(0, 90)))
        self.stored = self._taken(self.stored, sent)
        return self.stored

    def _taken(self, run: StoredRun | None, sent: Command) -> StoredRun:
        self.number += 1
        message = delivered(sent, self.number, self.story)
        taken = take(run, message, self.story.definition, self.story.policies, self.story.now)
        assert taken.run is not None
        return taken.run


@settings(max_examples=60)
@given(playbooks(), data, st.integers(0, 2**32))
def test_an_update_makes_the_old_document_the_new_one(
    steps: list[dict[str, Any]], start: dict[str, Any], seed: int
) -> None:
    run = Run(steps, start, seed)
    before = run.stored
    document = as_stored(to_document(before))
    for _ in range(20):
        after = run.goes_on()
        if run.chance.random() < 0.5:
            continue  # several commands of a batch are one write
        document = as_stored(after_update(document, changes(before, after)))
        assert document == as_stored(to_document(after))
        before = after


@settings(max_examples=30)
@given(playbooks(), data, st.integers(0, 2**32))
def test_a_run_comes_back_from_its_document_as_it_was(
    steps: list[dict[str, Any]], start: dict[str, Any], seed: int
) -> None:
    run = Run(steps, start, seed)
    for _ in range(15):
        stored = run.goes_on()
        assert from_document(as_stored(to_document(stored))) == stored


@settings(max_examples=30)
@given(playbooks(), data, st.integers(0, 2**32))
def test_a_command_that_comes_again_changes_nothing(
    steps: list[dict[str, Any]], start: dict[str, Any], seed: int
) -> None:
    run = Run(steps, start, seed)
    for _ in range(15):
        run.story.run = run.stored.state
        message = delivered(command(run.chance, run.story.after(minutes=5)), run.number + 1, run.story)
        first = take(run.stored, message, run.story.definition, run.story.policies, run.story.now)
        later = run.story.after(minutes=1).now
        reloaded = from_document(as_stored(to_document(first.run)))  # type: ignore[arg-type]
        again = take(reloaded, message, run.story.definition, run.story.policies, later)
        assert (again.run, again.messages, again.reply) == (reloaded, first.messages, first.reply)
        assert first.run is not None
        run.stored, run.number = first.run, run.number + 1


def test_a_command_that_gets_the_number_of_a_pruned_refusal_is_written_whole() -> None:
    story = Story(playbook({}, {})).started()
    first = Journal((_entry("refused", 0, accepted=False),))
    before = StoredRun("run_1", story.state, first, None, 0)
    after = changed(before, journal=first.release_past({0: 1}).add(_entry("accepted", 0, accepted=True)))
    document = as_stored(after_update(as_stored(to_document(before)), changes(before, after)))
    assert from_document(document).journal == after.journal


def _entry(command_id: str, number: int, *, accepted: bool) -> Entry:
    return Entry(command_id, 0, 0 if not accepted else 1, None, (), accepted, b"{}", number, has_caller=accepted)
