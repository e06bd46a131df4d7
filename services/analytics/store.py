"""Reading the summaries, and the playbooks' names and targets. Every query begins with the organisation."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import Any, cast

from pymongo import ASCENDING, IndexModel, UpdateOne

from contracts.definitions import PlaybookDefinition
from services.analytics.domain.metrics import PlaybookFacts
from services.analytics.domain.questions import Question
from services.analytics.domain.summary import RunSummary
from shared.mongo import Document, Mongo, bulk_write

OPEN = ("active", "paused", "blocked")
INDEXES = {
    "runs": [
        IndexModel(
            [("organization_id", ASCENDING), ("playbook_id", ASCENDING), ("created_at", ASCENDING)],
            name="runs_of_playbook",
        ),
        IndexModel([("organization_id", ASCENDING), ("created_at", ASCENDING)], name="runs_of_organization"),
        IndexModel([("status", ASCENDING)], name="open_runs", partialFilterExpression={"status": {"$in": list(OPEN)}}),
    ]
}
_BEGINNING = datetime(1, 1, 1, tzinfo=UTC)
_NOT_READ = {"_id": 0, "held": 0, "written": 0}
_AT_ONCE = 500
"""Documents fetched at a time: between two fetches others have their turn."""


class AnalyticsStore:
    def __init__(self, mongo: Mongo) -> None:
        self._runs = mongo.collection("runs")
        self._playbooks = mongo.collection("playbooks")

    async def runs_of(self, organization_id: str, playbook_id: str, since: datetime) -> AsyncIterator[RunSummary]:
        """Oldest first."""
        query = {"organization_id": organization_id, "playbook_id": playbook_id, "created_at": {"$gte": since}}
        async for document in self._runs.find(query, _NOT_READ).sort("created_at", ASCENDING).batch_size(_AT_ONCE):
            yield cast(RunSummary, document)

    async def has_runs(self, organization_id: str, playbook_id: str) -> str | None:
        """The playbook's name as one of its runs knows it; None where it has none."""
        query = {"organization_id": organization_id, "playbook_id": playbook_id}
        run: Document | None = await self._runs.find_one(query, {"playbook_name": 1})
        return run["playbook_name"] if run else None

    async def runs_asked_for(self, organization_id: str, question: Question) -> AsyncIterator[RunSummary]:
        """In no order."""
        created: Document = {"$gte": question.start or _BEGINNING}
        if question.end is not None:
            created["$lte"] = question.end
        query: Document = {"organization_id": organization_id, "created_at": created}
        for field, values in (
            ("playbook_id", question.playbook_ids),
            ("status", question.statuses),
            ("entity_type", question.entity_types),
        ):
            if values:
                query[field] = {"$in": list(values)}
        fields = {**_NOT_READ, "steps": 0, "completions": 0}
        async for document in self._runs.find(query, fields).batch_size(_AT_ONCE):
            yield cast(RunSummary, document)

    async def count(self, status: str) -> int:
        """Of all organisations; `status` is one of OPEN, which an index of their own serves."""
        counted: int = await self._runs.count_documents({"status": status})
        return counted

    async def playbook(self, organization_id: str, playbook_id: str) -> PlaybookFacts | None:
        document = await self._playbooks.find_one({"organization_id": organization_id, "_id": playbook_id})
        if document is None:
            return None
        return PlaybookFacts(
            name=document["name"],
            sla_hours=document["sla_hours"],
            estimated_duration_minutes=document["estimated_duration_minutes"],
            steps={step["step_id"]: (step["sequence"], step["name"]) for step in document["steps"]},
        )

    async def save_playbooks(self, definitions: Sequence[PlaybookDefinition]) -> None:
        """Keeps the highest revision of each; an older one that comes late meets its key and changes nothing."""
        await bulk_write(
            self._playbooks,
            [
                UpdateOne(
                    {"_id": definition.playbook_id, "revision": {"$lte": definition.revision}},
                    {"$set": _facts(definition)},
                    upsert=True,
                )
                for definition in definitions
            ],
        )


def _facts(definition: PlaybookDefinition) -> Document:
    return {
        "organization_id": definition.organization_id,
        "revision": definition.revision,
        "name": definition.name,
        "sla_hours": _positive(definition.metadata.get("sla_hours")),
        "estimated_duration_minutes": _positive(definition.metadata.get("estimated_duration_minutes")),
        "steps": [{"step_id": s.step_id, "sequence": s.sequence, "name": s.name} for s in definition.steps],
    }


def _positive(value: Any) -> float | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and value > 0 else None
