"""The engine's database: one document a run, and the definitions that runs are pinned to."""

import asyncio
import uuid
from collections import OrderedDict
from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pymongo import ASCENDING, IndexModel, InsertOne, UpdateOne

from contracts.definitions import PlaybookDefinition
from contracts.events import Timer
from services.run_engine import task_list
from services.run_engine.documents import changes, from_document, journal_of, to_document
from services.run_engine.domain.copying import changed
from services.run_engine.execution import StoredRun, outcome_of
from services.run_engine.journal import Journal
from services.run_engine.remembered import RememberedRuns
from services.run_engine.task_list import TaskList
from shared import outcomes
from shared.errors import Refused
from shared.mongo import Document, Mongo, bulk_write, guarded_write
from shared.outcomes import OUTCOME_EXPIRED, Outcome, Outcomes

INDEXES = {
    "runs": [
        IndexModel([("partition", ASCENDING), ("next_due_at", ASCENDING)], name="due_timers"),
        IndexModel(
            [("incident.at", ASCENDING)], name="incidents", partialFilterExpression={"incident.at": {"$exists": True}}
        ),
    ],
    "tasks": task_list.INDEXES,
    outcomes.COLLECTION: outcomes.INDEXES,
}
_DEFINITIONS_REMEMBERED = 500
_REMEMBERED_BYTES = 256 * 1024 * 1024
DefinitionKey = tuple[str, int]
"""Playbook id and revision."""


@dataclass(frozen=True, slots=True)
class DueTimer:
    run_id: str
    organization_id: str
    timer: Timer


class RunStore:
    """Loads runs, writes those that changed, each write guarded by the version that was read.

    Keeps the runs that it saw last in memory. That is safe because a stale one only makes a write miss its guard; the
    caller then loads again.
    """

    def __init__(self, mongo: Mongo, cache_size: int) -> None:
        self._runs = mongo.collection("runs")
        self._definitions = mongo.collection("definitions")
        self.outcomes = Outcomes(mongo)
        self.tasks = TaskList(mongo)
        self._cache = RememberedRuns(cache_size, _REMEMBERED_BYTES)
        self._known_definitions: OrderedDict[DefinitionKey, PlaybookDefinition] = OrderedDict()

    async def load(self, run_ids: Iterable[str]) -> dict[str, StoredRun]:
        """The runs that exist, by id."""
        found: dict[str, StoredRun] = {}
        missing: list[str] = []
        for run_id in run_ids:
            cached = self._cache.get(run_id)
            if cached is None:
                missing.append(run_id)
            else:
                found[run_id] = cached
        if missing:
            async for document in self._runs.find({"_id": {"$in": missing}}):
                found[document["_id"]] = from_document(document)
        return found

    async def save(self, before: Mapping[str, StoredRun], after: Collection[StoredRun]) -> set[str]:
        """Writes the runs that changed, in one round trip; returns the ids of those that another wrote meanwhile."""
        batch = uuid.uuid4().hex
        runs = [changed(run, written=run.written + 1) for run in after]
        operations = [_operation(before.get(run.run_id), run, batch) for run in runs]
        self.forget(run.run_id for run in runs)  # until it is known that the write succeeded
        effective, duplicates = await self._written_with_tasks(before, runs, operations)
        lost = {runs[i].run_id for i in duplicates}
        if effective + len(duplicates) < len(operations):
            lost |= await self._not_written({run.run_id for run in runs}, batch)
        for run in runs:
            if run.run_id not in lost:
                self._cache.add(run)
        return lost

    async def _written_with_tasks(
        self, before: Mapping[str, StoredRun], runs: Sequence[StoredRun], operations: Sequence[Any]
    ) -> tuple[int, set[int]]:
        """Both at once, and both to their ends."""
        written, offered = await asyncio.gather(
            guarded_write(self._runs, operations), self.tasks.offer(before, runs), return_exceptions=True
        )
        if isinstance(written, BaseException):
            raise written
        if isinstance(offered, BaseException):
            raise offered
        return written

    def forget(self, run_ids: Iterable[str]) -> None:
        self._cache.forget(run_ids)

    def forget_all(self) -> None:
        self._cache.clear()

    async def save_definitions(self, definitions: Iterable[PlaybookDefinition]) -> None:
        """Keeps revisions that are not kept yet. They never change, so a repeat is nothing new."""
        new = [d for d in definitions if (d.playbook_id, d.revision) not in self._known_definitions]
        await bulk_write(
            self._definitions,
            [
                UpdateOne(
                    {"_id": _definition_id((d.playbook_id, d.revision))},
                    {"$setOnInsert": {"definition": d.model_dump(mode="json")}},
                    upsert=True,
                )
                for d in new
            ],
        )
        for definition in new:
            self._remember_definition(definition)

    async def definitions(self, keys: Collection[DefinitionKey]) -> dict[DefinitionKey, PlaybookDefinition]:
        unknown = [_definition_id(key) for key in keys if key not in self._known_definitions]
        if unknown:
            async for document in self._definitions.find({"_id": {"$in": unknown}}):
                self._remember_definition(PlaybookDefinition.model_validate(document["definition"]))
        return {key: self._known_definitions[key] for key in keys if key in self._known_definitions}

    async def due_timers(self, partitions: Collection[int], now: datetime, limit: int) -> list[DueTimer]:
        """Of so many runs at most, those first whose timer has been due for longest; of each run in order of time."""
        if not partitions:
            return []
        query = {"partition": {"$in": list(partitions)}, "next_due_at": {"$lte": now}}
        fields = {"organization_id": 1, "state.timers": 1}
        cursor = self._runs.find(query, fields, sort=[("next_due_at", ASCENDING)], limit=limit, hint="due_timers")
        return [
            DueTimer(run["_id"], run["organization_id"], timer)
            async for run in cursor
            for timer in sorted(map(Timer.model_validate, run["state"]["timers"]), key=lambda timer: timer.due_at)
            if timer.due_at <= now
        ]

    async def outcome(self, organization_id: str, run_id: str, command_id: str) -> Outcome | None:
        """Returns the outcome of a command to a run, None for one that was not taken, or by another run.

        Raises Refused (NOT_FOUND) for one whose answer is no longer kept.
        """
        query = {"_id": run_id, "organization_id": organization_id}
        run = await self._runs.find_one(query, {"journal": 1, "older_commands": 1})
        journal = journal_of(run) if run else Journal()
        entry = journal.find(command_id)
        if entry is not None:
            return outcome_of(organization_id, entry)
        stored = await self.outcomes.find(organization_id, command_id)
        if stored is None and command_id in journal.older:
            raise Refused.because(OUTCOME_EXPIRED)
        return stored

    async def stored_outcomes(self, commands: Iterable[tuple[str, str]]) -> dict[str, Outcome]:
        """Returns what the store holds of these commands, given as run and command ids.

        Does not look for what cannot be there: a run in memory exists, and its journal names all that it has taken.
        """
        return await self.outcomes.load({i for run_id, i in commands if self._may_be_stored(run_id, i)})

    def _may_be_stored(self, run_id: str, command_id: str) -> bool:
        run = self._cache.get(run_id)
        return run is None or command_id in run.journal.older

    async def mark_incident(self, run_id: str, incident: Document, since: Document) -> None:
        """Notes on the run that a command to it was parked. `since`: where in the log it stood; the mark keeps that of
        its first command, so that a release sends none again that was parked before it."""
        first = {"$cond": [{"$ifNull": ["$incident", False]}, "$incident.since", {"$literal": since}]}
        mark = {"$mergeObjects": [{"$literal": incident}, {"since": first}]}
        await bulk_write(self._runs, [UpdateOne({"_id": run_id}, [{"$set": {"incident": mark}}])])
        self.forget([run_id])

    async def incident(self, run_id: str) -> Document | None:
        run = await self._runs.find_one({"_id": run_id}, {"incident": 1})
        return run.get("incident") if run else None

    async def incidents(self) -> AsyncIterator[tuple[str, str, Document]]:
        """Run, organisation and incident of every run that has one, the oldest first."""
        query, fields = {"incident.at": {"$exists": True}}, {"organization_id": 1, "incident": 1}
        async for run in self._runs.find(query, fields).sort("incident.at", ASCENDING):
            yield run["_id"], run["organization_id"], run["incident"]

    async def clear_incident(self, run_id: str, incident: Document) -> None:
        """Unless another command was set aside meanwhile."""
        guard = {"_id": run_id, "incident.command_id": incident["command_id"], "incident.at": incident["at"]}
        await bulk_write(self._runs, [UpdateOne(guard, {"$unset": {"incident": ""}})])

    async def _not_written(self, run_ids: set[str], batch: str) -> set[str]:
        cursor = self._runs.find({"_id": {"$in": list(run_ids)}, "writer": batch}, {"_id": 1})
        return run_ids - {document["_id"] async for document in cursor}

    def _remember_definition(self, definition: PlaybookDefinition) -> None:
        self._known_definitions[definition.playbook_id, definition.revision] = definition
        # Never fewer than one batch needs at once, or the batch could push out its own.
        while len(self._known_definitions) > _DEFINITIONS_REMEMBERED:
            self._known_definitions.popitem(last=False)


def _operation(before: StoredRun | None, after: StoredRun, batch: str) -> Any:
    if before is None:
        return InsertOne({**to_document(after), "writer": batch})
    guard = {"_id": after.run_id, "written": before.written}
    update = changes(before, after)
    update["$set"]["writer"] = batch
    return UpdateOne(guard, update)


def _definition_id(key: DefinitionKey) -> str:
    return f"{key[0]}:{key[1]}"
