"""Every revision of every document, for ever: who put it, when, and what it says. The highest is in force."""

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import orjson
from pymongo import ASCENDING, DESCENDING, IndexModel, InsertOne

from contracts.organization_documents import document_key, local_key
from contracts.policies import DEFAULT_POLICIES, POLICIES, SEVERAL, OrganizationPolicies
from shared.mongo import Document, Mongo, bulk_write
from shared.pages import Listing, Order, Page, page_of

INDEXES = {
    "organization_documents": [
        IndexModel(
            [("organization_id", ASCENDING), ("kind", ASCENDING), ("name", ASCENDING), ("revision", DESCENDING)],
            name="history_of_document",
        ),
        IndexModel([("organization_id", ASCENDING), ("command_id", ASCENDING)], name="command_taken_once", unique=True),
    ]
}
_NEWEST_FIRST = Order(("revision",), DESCENDING)


@dataclass(frozen=True, slots=True)
class StoredDocument:
    """One revision. It never changes."""

    organization_id: str
    kind: str
    name: str
    revision: int
    content: Mapping[str, Any]
    at: datetime
    by: str
    comment: str | None
    command_id: str
    fingerprint: str | None
    correlation_id: str
    traceparent: str | None
    deleted: bool = False
    """It says nothing any more; the content is what it said last."""

    @property
    def etag(self) -> str:
        return etag_of(self.revision)


def etag_of(revision: int) -> str:
    return f'"{revision}"'


class DocumentStore:
    def __init__(self, mongo: Mongo) -> None:
        self._documents = mongo.collection("organization_documents")

    async def add(self, document: StoredDocument) -> bool:
        """False where this revision, or another of the same command, is there already."""
        row = {**asdict(document), "content": orjson.dumps(document.content).decode()}
        identity = f"{document_key(document.organization_id, document.kind, document.name)}:{document.revision}"
        return not await bulk_write(self._documents, [InsertOne({"_id": identity, **row})])

    async def put_by(self, organization_id: str, command_id: str) -> StoredDocument | None:
        """What this command has put."""
        found = await self._documents.find_one({"organization_id": organization_id, "command_id": command_id})
        return _stored(found) if found else None

    async def current(self, organization_id: str, kind: str, name: str = "") -> StoredDocument | None:
        """None where the organisation has put none."""
        query = {"organization_id": organization_id, "kind": kind, "name": name}
        found = await self._documents.find_one(query, sort=[("revision", DESCENDING)])
        return _stored(found) if found else None

    async def all_current(self, organization_ids: Collection[str], kind: str | None = None) -> list[StoredDocument]:
        """Those that were not deleted; by organisation, kind and name."""
        of_kind = {"kind": kind} if kind else {}
        stages: list[Document] = [
            {"$match": {"organization_id": {"$in": list(organization_ids)}, **of_kind}},
            {"$sort": {"organization_id": 1, "kind": 1, "name": 1, "revision": -1}},
            {"$group": {"_id": {"o": "$organization_id", "k": "$kind", "n": "$name"}, "newest": {"$first": "$$ROOT"}}},
            {"$match": {"newest.deleted": {"$ne": True}}},
            {"$sort": {"_id": 1}},
        ]
        return [_stored(group["newest"]) async for group in self._documents.aggregate(stages)]

    async def everywhere(self, kind: str) -> list[StoredDocument]:
        """Those of all organisations that were not deleted."""
        stages: list[Document] = [
            {"$match": {"kind": kind}},
            {"$sort": {"organization_id": 1, "kind": 1, "name": 1, "revision": -1}},
            {"$group": {"_id": {"o": "$organization_id", "n": "$name"}, "newest": {"$first": "$$ROOT"}}},
            {"$match": {"newest.deleted": {"$ne": True}}},
        ]
        return [_stored(group["newest"]) async for group in self._documents.aggregate(stages)]

    async def policies(self, organization_ids: Collection[str]) -> dict[str, OrganizationPolicies]:
        """What is in force for each of them."""
        contents: dict[str, dict[str, Any]] = {organization_id: {} for organization_id in organization_ids}
        for document in await self.all_current(organization_ids):
            if document.kind in POLICIES:
                contents[document.organization_id][document.kind] = document.content
            elif document.kind in SEVERAL:
                identity = {"name": document.name, "revision": document.revision}
                several = contents[document.organization_id].setdefault(SEVERAL[document.kind], {})
                several[document.name] = {**document.content, **identity}
        return {
            organization_id: OrganizationPolicies.model_validate(content) if content else DEFAULT_POLICIES
            for organization_id, content in contents.items()
        }

    async def history(
        self, organization_id: str, kind: str, cursor: str | None, limit: int, name: str = ""
    ) -> Page[StoredDocument]:
        """Newest first. Raises Refused for a foreign cursor."""
        query = {"organization_id": organization_id, "kind": kind, "name": name}
        listing = Listing(query, _NEWEST_FIRST, f"history of {local_key(kind, name)}", cursor, limit)
        return (await page_of(self._documents, listing)).map(_stored)


def _stored(document: Document) -> StoredDocument:
    fields = {name: value for name, value in document.items() if name != "_id"}
    return StoredDocument(**{**fields, "content": orjson.loads(document["content"])})
