"""Many runs of one organisation beside ten times as many of others, put straight into the engine's database."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pymongo

from services.run_engine.run_list import INDEXES as RUN_INDEXES
from services.run_engine.task_list import INDEXES as TASK_INDEXES
from services.run_engine.task_rows import NEVER
from shared.mongo import Document

THEIRS = 100_000
ORGANIZATIONS, PLAYBOOKS, ENTITIES, PEOPLE, ROLES = 50, 40, 500, 100, 3
STATUSES = ("active", "paused", "blocked", "completed", "failed", "cancelled")
PRIORITIES = ("low", "normal", "high", "critical")
_AT_ONCE = 5_000


def fill(mongodb_uri: str, database: str, pattern_run_id: str, ours: int, start: datetime) -> None:
    """Copies of a run that is there, with an open task, and which stays; `start` is when the oldest was created."""
    with pymongo.MongoClient[Document](mongodb_uri) as client:
        engine = client[database]
        run, row = engine.runs.find_one({"_id": pattern_run_id}), engine.tasks.find_one({"run_id": pattern_run_id})
        assert run is not None and row is not None
        playbook = run["state"]["playbook"]
        definition = engine.definitions.find_one({"_id": f"{playbook['playbook_id']}:{playbook['revision']}"})
        assert definition is not None
        engine.definitions.insert_many([_definition(definition, n) for n in range(PLAYBOOKS)])
        for numbers in _batches(ours + THEIRS):
            engine.runs.insert_many([_run(run, n, ours, start) for n in numbers], ordered=False)
            engine.tasks.insert_many([_row(row, n, ours, start) for n in numbers], ordered=False)
        engine.runs.create_indexes(RUN_INDEXES)
        engine.tasks.create_indexes(TASK_INDEXES)


def _batches(count: int) -> Iterator[range]:
    for first in range(0, count, _AT_ONCE):
        yield range(first, min(first + _AT_ONCE, count))


def _organization(pattern: Document, number: int, ours: int) -> str:
    return str(pattern["organization_id"]) if number < ours else f"org_other_{number % ORGANIZATIONS}"


def _definition(pattern: Document, number: int) -> Document:
    definition = {**pattern["definition"], "playbook_id": f"pb_{number}"}
    return {"_id": f"pb_{number}:{definition['revision']}", "definition": definition}


def _run(pattern: Document, number: int, ours: int, start: datetime) -> Document:
    created = start + timedelta(seconds=number % 9973)
    organization_id = _organization(pattern, number, ours)
    state = {
        **pattern["state"],
        "run_id": f"run_{number}",
        "organization_id": organization_id,
        "status": STATUSES[number % len(STATUSES)],
        "priority": PRIORITIES[number % len(PRIORITIES)],
        "created_at": created,
        "updated_at": created + timedelta(seconds=number % 613),
        "context": {"entity_id": f"c{number % ENTITIES}", "entity_type": ("customer", "patient")[number % 2]},
        "playbook": {**pattern["state"]["playbook"], "playbook_id": f"pb_{number % PLAYBOOKS}"},
    }
    due = start + timedelta(minutes=number % 1009) if number % 3 else NEVER
    own = {"organization_id": organization_id, "assignees": [f"u{number % PEOPLE}"], "due": due, "state": state}
    return {**pattern, **own, "_id": f"run_{number}", "next_due_at": None}


def _row(pattern: Document, number: int, ours: int, start: datetime) -> Document:
    return {
        **pattern,
        "_id": f"run_{number}:{pattern['step_id']}",
        "run_id": f"run_{number}",
        "organization_id": _organization(pattern, number, ours),
        "for": [f"user:u{number % PEOPLE}", f"role:r{number % ROLES}", "role:clerk"],
        "assigned_to": f"u{number % PEOPLE}",
        "priority": PRIORITIES[number % len(PRIORITIES)],
        "rank": number % len(PRIORITIES),
        "due": start + timedelta(minutes=number % 1009),
    }
