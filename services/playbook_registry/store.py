"""The registry's database: a document for each playbook, one for each revision that is no longer the current one."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import orjson
from pymongo import ASCENDING, IndexModel, InsertOne, UpdateOne
from pymongo.errors import DuplicateKeyError

from contracts.replies import Reply
from services.playbook_registry.documents import from_document, to_document
from services.playbook_registry.domain.playbook import ANSWERS_KEPT, ANSWERS_LEFT, StoredPlaybook, TakenCommand
from services.playbook_registry.lists import INDEXES as LISTS
from shared import outcomes
from shared.mongo import Document, Mongo, bulk_write
from shared.outcomes import Outcome, Outcomes

INDEXES = {
    "playbooks": [
        IndexModel(
            [("organization_id", ASCENDING), ("smart_code", ASCENDING)], name="smart_code_in_organization", unique=True
        ),
        IndexModel([("organization_id", ASCENDING), ("command_id", ASCENDING)], name="command_taken_once", unique=True),
        *LISTS,
    ],
    outcomes.COLLECTION: outcomes.INDEXES,
}
CommandKey = tuple[str, str]
"""Organisation and command id."""


class SmartCodeTaken(Exception):
    """Another playbook of the organisation has it."""


class PlaybookStore:
    """Definitions are kept as JSON text: they come out exactly as they went in, whatever their fields are called."""

    def __init__(self, mongo: Mongo) -> None:
        self._playbooks = mongo.collection("playbooks")
        self._revisions = mongo.collection("revisions")
        self.outcomes = Outcomes(mongo)

    async def created_by(self, commands: Collection[CommandKey]) -> dict[CommandKey, StoredPlaybook]:
        """The playbooks that these commands have created, where they have."""
        if not commands:
            return {}
        query = {
            "$or": [{"organization_id": organization, "command_id": command} for organization, command in commands]
        }
        found = [from_document(document) async for document in self._playbooks.find(query)]
        return {playbook.command: playbook for playbook in found}

    async def add(self, playbooks: Sequence[StoredPlaybook]) -> set[CommandKey]:
        """Writes them in one round trip; returns the commands whose playbook met an id or smart code that is taken."""
        taken = await bulk_write(self._playbooks, [InsertOne(to_document(playbook)) for playbook in playbooks])
        return {playbooks[index].command for index in taken}

    async def change(self, before: StoredPlaybook, after: StoredPlaybook) -> bool:
        """False where another has written it since `before` was read. Raises SmartCodeTaken.

        The revision that is no longer the current one is kept first: each number always leads to its definition.
        """
        if after.revision != before.revision:
            await self._keep(before)
        document = to_document(await self._make_room(after))
        guard = {"_id": document.pop("_id"), "written": before.written}
        try:
            result = await self._playbooks.update_one(guard, {"$set": document})
        except DuplicateKeyError:
            raise SmartCodeTaken from None
        return bool(result.matched_count)

    async def _make_room(self, playbook: StoredPlaybook) -> StoredPlaybook:
        """Stores the answers that the document has no room for, and returns the playbook without them."""
        if len(playbook.taken) <= ANSWERS_KEPT:
            return playbook
        oldest, rest = playbook.taken[:-ANSWERS_LEFT], playbook.taken[-ANSWERS_LEFT:]
        await self.outcomes.save([_outcome(playbook.organization_id, taken) for taken in oldest])
        return replace(playbook, taken=rest)

    async def holders(self, smart_codes: Iterable[tuple[str, str]]) -> dict[tuple[str, str], str]:
        """By organisation and smart code, the id of the playbook that has it."""
        wanted = [{"organization_id": organization, "smart_code": code} for organization, code in smart_codes]
        if not wanted:
            return {}
        cursor = self._playbooks.find({"$or": wanted}, {"organization_id": 1, "smart_code": 1})
        return {(d["organization_id"], d["smart_code"]): d["_id"] async for d in cursor}

    async def get(self, organization_id: str, playbook_id: str) -> StoredPlaybook | None:
        """Deleted ones too."""
        document = await self._playbooks.find_one({"organization_id": organization_id, "_id": playbook_id})
        return from_document(document) if document else None

    async def head(self, organization_id: str, playbook_id: str) -> Document | None:
        """`revision` and `status`, without the definition."""
        fields = {"_id": 0, "revision": 1, "status": 1}
        head: Document | None = await self._playbooks.find_one(
            {"organization_id": organization_id, "_id": playbook_id}, fields
        )
        return head

    async def existing(self, organization_id: str, playbook_ids: Sequence[str]) -> set[str]:
        """Returns those of the ids that are playbooks of the organization, without deleted ones."""
        query = {"organization_id": organization_id, "_id": {"$in": list(playbook_ids)}, "status": {"$ne": "deleted"}}
        return {document["_id"] async for document in self._playbooks.find(query, {"_id": 1})}

    async def revision(self, playbook: StoredPlaybook, revision: int) -> Mapping[str, Any] | None:
        """The definition of one of its revisions; None where it has no such one."""
        if revision == playbook.revision:
            return playbook.definition
        kept = await self._revisions.find_one({"_id": _revision_id(playbook.playbook_id, revision)})
        definition: dict[str, Any] | None = orjson.loads(kept["definition"]) if kept else None
        return definition

    async def _keep(self, playbook: StoredPlaybook) -> None:
        kept = {
            "organization_id": playbook.organization_id,
            "definition": orjson.dumps(playbook.definition).decode(),
        }
        identity = {"_id": _revision_id(playbook.playbook_id, playbook.revision)}
        await bulk_write(self._revisions, [UpdateOne(identity, {"$setOnInsert": kept}, upsert=True)])


def _outcome(organization_id: str, taken: TakenCommand) -> Outcome:
    reply = Reply(result=dict(taken.answer))
    return Outcome(taken.command_id, organization_id, reply.model_dump_json(), taken.fingerprint)


def _revision_id(playbook_id: str, revision: int) -> str:
    return f"{playbook_id}:{revision}"
