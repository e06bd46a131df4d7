"""A run as a MongoDB document, and back."""

from dataclasses import fields
from typing import Any, get_type_hints

from pydantic import TypeAdapter

from services.run_engine.domain.state import RunState, StepState
from services.run_engine.execution import StoredRun
from services.run_engine.journal import Entry, Journal
from services.run_engine.task_rows import NEVER
from shared.messages import OutgoingMessage
from shared.mongo import Document

_STATE: TypeAdapter[RunState] = TypeAdapter(RunState)
_STEP: TypeAdapter[StepState] = TypeAdapter(StepState)
_FIELDS: dict[str, TypeAdapter[Any]] = {
    f.name: TypeAdapter(hint)
    for f, hint in ((f, get_type_hints(RunState, include_extras=True)[f.name]) for f in fields(RunState))
    if f.name != "steps"
}


def to_document(run: StoredRun) -> Document:
    """The whole document of a new run."""
    return {
        "_id": run.run_id,
        **_head(run),
        **listed(run.state),
        "journal": {_key(entry.number): _entry_document(entry) for entry in run.journal.entries},
        "older_commands": list(run.journal.older),
        "state": _STATE.dump_python(run.state),
    }


def changes(before: StoredRun, after: StoredRun) -> Document:
    """The update: of state and journal only what is another object now; what did not change kept its identity."""
    old, new = before.state, after.state
    changed: Document = _head(after)
    if new.steps is not old.steps or (new.status, new.due_at) != (old.status, old.due_at):
        changed |= listed(new)
    for name, adapter in _FIELDS.items():
        value = getattr(new, name)
        if value is not getattr(old, name):
            changed[f"state.{name}"] = adapter.dump_python(value)
    for step_id, step in new.steps.items():
        if step is not old.steps.get(step_id):
            changed[f"state.steps.{step_id}"] = _STEP.dump_python(step)
    update = _journal_changes(before.journal, after.journal, changed)
    grown = after.journal.older[len(before.journal.older) :]
    return {**update, "$push": {"older_commands": {"$each": list(grown)}}} if grown else update


def _journal_changes(before: Journal, after: Journal, changed: Document) -> Document:
    old = {entry.number: entry for entry in before.entries}
    for entry in after.entries:
        known = old.pop(entry.number, None)
        if known is None or known.command_id != entry.command_id:  # a refusal that was pruned leaves its number
            changed[f"journal.{_key(entry.number)}"] = _entry_document(entry)
        elif known is not entry:
            changed[f"journal.{_key(entry.number)}.messages"] = _messages(entry)
    return {"$set": changed, "$unset": {f"journal.{_key(number)}": "" for number in old}} if old else {"$set": changed}


def from_document(document: Document) -> StoredRun:
    """Raises pydantic's ValidationError for a document that no longer loads."""
    return StoredRun(
        run_id=document["_id"],
        state=state_of(document),
        journal=journal_of(document),
        head_hash=document["head_hash"],
        partition=document["partition"],
        written=document["written"],
    )


def state_of(document: Document) -> RunState:
    """Of a document that need not have more than its state."""
    return _STATE.validate_python(document["state"])


def journal_of(document: Document) -> Journal:
    entries = sorted(document["journal"].items())
    return Journal(tuple(_entry(int(key), entry) for key, entry in entries), tuple(document["older_commands"]))


def _head(run: StoredRun) -> Document:
    state = run.state
    return {
        "organization_id": state.organization_id,
        "written": run.written,
        "partition": run.partition,
        "head_hash": run.head_hash,
        "next_due_at": min((timer.due_at for timer in state.timers), default=None),
    }


def listed(state: RunState) -> Document:
    """What lists of runs look at, besides the state: who works on it, and when it is due while its clock runs."""
    working = {user for step in state.steps.values() if step.is_open for user in (step.assigned_to, *step.candidates)}
    due = state.due_at if state.ended_at is None and not state.is_paused else None
    return {"assignees": sorted(working - {None}), "due": due or NEVER}


def _entry_document(entry: Entry) -> Document:
    return {
        "command_id": entry.command_id,
        "partition": entry.partition,
        "offset": entry.offset,
        "fingerprint": entry.fingerprint,
        "messages": _messages(entry),
        "accepted": entry.accepted,
        "answer": entry.answer,
        "has_caller": entry.has_caller,
    }


def _key(number: int) -> str:
    """Sorts as the number does."""
    return f"{number:09d}"


def _messages(entry: Entry) -> list[list[Any]]:
    return [[m.topic, m.key, m.value, m.type] for m in entry.messages]


def _entry(number: int, document: Document) -> Entry:
    return Entry(
        document["command_id"],
        document["partition"],
        document["offset"],
        document["fingerprint"],
        tuple(OutgoingMessage(topic, key, value, kind) for topic, key, value, kind in document["messages"]),
        document["accepted"],
        document["answer"],
        number,
        document.get("has_caller", True),
    )
