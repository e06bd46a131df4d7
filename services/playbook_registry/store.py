"""The registry's database: one document a playbook, which also keeps the command that made it and its answer."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from pymongo import ASCENDING, DESCENDING, IndexModel, InsertOne

from contracts.definitions import PlaybookStatus
from shared.mongo import Document, Mongo, bulk_write
from shared.pages import Page, after

INDEXES = {
    "playbooks": [
        IndexModel(
            [("organization_id", ASCENDING), ("smart_code", ASCENDING)], name="smart_code_in_organization", unique=True
        ),
        IndexModel([("organization_id", ASCENDING), ("command_id", ASCENDING)], name="command_taken_once", unique=True),
        IndexModel(
            [("organization_id", ASCENDING), ("status", ASCENDING), ("created_at", DESCENDING), ("_id", DESCENDING)],
            name="list_by_status",
        ),
        IndexModel(
            [("organization_id", ASCENDING), ("created_at", DESCENDING), ("_id", DESCENDING)], name="list_newest_first"
        ),
    ]
}
CommandKey = tuple[str, str]
"""Organisation and command id."""


@dataclass(frozen=True, slots=True)
class StoredPlaybook:
    """A playbook at its current revision, and what the command that created it was told."""

    playbook_id: str
    organization_id: str
    smart_code: str
    status: PlaybookStatus
    revision: int
    created_at: datetime
    definition: dict[str, Any]
    """A PlaybookDefinition in JSON's types."""
    answer: dict[str, Any]
    """What the creating command was answered; its `metrics` are the playbook's."""
    command_id: str
    fingerprint: str | None
    correlation_id: str
    traceparent: str | None

    @property
    def command(self) -> CommandKey:
        return self.organization_id, self.command_id


class PlaybookStore:
    """Definitions are kept as JSON text: they come out exactly as they went in, whatever their fields are called."""

    def __init__(self, mongo: Mongo) -> None:
        self._playbooks = mongo.collection("playbooks")

    async def created_by(self, commands: Collection[CommandKey]) -> dict[CommandKey, StoredPlaybook]:
        """The playbooks that these commands have created, where they have."""
        if not commands:
            return {}
        query = {
            "$or": [{"organization_id": organization, "command_id": command} for organization, command in commands]
        }
        found = [_playbook(document) async for document in self._playbooks.find(query)]
        return {playbook.command: playbook for playbook in found}

    async def add(self, playbooks: Sequence[StoredPlaybook]) -> set[CommandKey]:
        """Writes them in one round trip; returns the commands whose playbook met an id or smart code that is taken."""
        taken = await bulk_write(self._playbooks, [InsertOne(_document(playbook)) for playbook in playbooks])
        return {playbooks[index].command for index in taken}

    async def holders(self, smart_codes: Iterable[tuple[str, str]]) -> dict[tuple[str, str], str]:
        """By organisation and smart code, the id of the playbook that has it."""
        wanted = [{"organization_id": organization, "smart_code": code} for organization, code in smart_codes]
        if not wanted:
            return {}
        cursor = self._playbooks.find({"$or": wanted}, {"organization_id": 1, "smart_code": 1})
        return {(d["organization_id"], d["smart_code"]): d["_id"] async for d in cursor}

    async def get(self, organization_id: str, playbook_id: str) -> StoredPlaybook | None:
        document = await self._playbooks.find_one({"organization_id": organization_id, "_id": playbook_id})
        return _playbook(document) if document else None

    async def head(self, organization_id: str, playbook_id: str) -> Document | None:
        """`revision` and `status`, without the definition."""
        fields = {"_id": 0, "revision": 1, "status": 1}
        head: Document | None = await self._playbooks.find_one(
            {"organization_id": organization_id, "_id": playbook_id}, fields
        )
        return head

    async def page(
        self, organization_id: str, status: str | None, cursor: str | None, limit: int
    ) -> Page[StoredPlaybook]:
        """Newest first."""
        query: Document = {"organization_id": organization_id, **({"status": status} if status else {})}
        newest_first = [("created_at", DESCENDING), ("_id", DESCENDING)]
        found = self._playbooks.find({**query, **after("created_at", cursor)}).sort(newest_first).limit(limit + 1)
        playbooks = [_playbook(document) async for document in found]
        total = await self._playbooks.count_documents(query)
        return Page.of(playbooks, limit, total, lambda playbook: (playbook.created_at, playbook.playbook_id))


def _document(playbook: StoredPlaybook) -> Document:
    return {
        "_id": playbook.playbook_id,
        "organization_id": playbook.organization_id,
        "smart_code": playbook.smart_code,
        "status": playbook.status,
        "revision": playbook.revision,
        "created_at": playbook.created_at,
        "definition": orjson.dumps(playbook.definition).decode(),
        "answer": orjson.dumps(playbook.answer).decode(),
        "command_id": playbook.command_id,
        "fingerprint": playbook.fingerprint,
        "correlation_id": playbook.correlation_id,
        "traceparent": playbook.traceparent,
    }


def _playbook(document: Document) -> StoredPlaybook:
    fields = {**document, "playbook_id": document["_id"]}
    del fields["_id"]
    fields["definition"] = orjson.loads(document["definition"])
    fields["answer"] = orjson.loads(document["answer"])
    return StoredPlaybook(**fields)
