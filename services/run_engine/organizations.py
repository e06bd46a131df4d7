"""What organisations have set, as `policy.events` tells: kept in the engine's database, remembered by each instance.

Whoever is told that a document was changed has been told after it was written here. So each batch of commands asks
for the organisations' heads, one indexed query, and reads anew what is at another head: see docs/decisions/0033.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Collection, Iterable, Sequence
from datetime import timedelta
from typing import Any

import orjson
import structlog
from pydantic import ValidationError
from pymongo import ASCENDING, IndexModel, UpdateOne

from contracts.organization_documents import OrganizationDocumentChanged, document_key
from contracts.policies import DEFAULT_POLICIES, DOCUMENTS, SEVERAL, OrganizationPolicies
from contracts.values import Contract
from shared.kafka import Batch, Parking
from shared.messages import Message, Record, Unreadable, describe, read
from shared.mongo import Document, Mongo, bulk_write

INDEXES = {
    "organization_documents": [
        IndexModel([("organization_id", ASCENDING)], name="of_organization"),
        IndexModel([("ends_at", ASCENDING)], name="kept_till_the_end", expireAfterSeconds=0),
    ]
}
KEPT_AFTER_THE_END = timedelta(days=1)
_REMEMBERED = 10_000
log = structlog.get_logger()


class OrganizationStore:
    """Each organisation's documents, and a head that is another after each change."""

    def __init__(self, mongo: Mongo) -> None:
        self._documents = mongo.collection("organization_documents")
        self._heads = mongo.collection("organizations")
        self._known: OrderedDict[str, tuple[int, OrganizationPolicies]] = OrderedDict()

    async def keep(self, changes: Sequence[Message]) -> None:
        """Older revisions than those that are there change nothing. The head comes last: who sees it sees them."""
        await bulk_write(self._documents, [_write(message) for message in changes])
        await self.move_heads({message.envelope.organization_id for message in changes})

    async def move_heads(self, organization_ids: Collection[str]) -> None:
        """Whoever asks from now on reads their documents anew."""
        heads = [UpdateOne({"_id": o}, {"$inc": {"written": 1}}, upsert=True) for o in sorted(organization_ids)]
        await bulk_write(self._heads, heads)

    async def policies(self, organization_ids: Collection[str]) -> dict[str, OrganizationPolicies]:
        """What is in force for each of them."""
        found = self._heads.find({"_id": {"$in": list(organization_ids)}})
        heads = {head["_id"]: head["written"] async for head in found}
        stale = [o for o, written in heads.items() if o not in self._known or self._known[o][0] != written]
        if stale:
            await self._read(stale, heads)
        return {o: self._known[o][1] if o in heads else DEFAULT_POLICIES for o in organization_ids}

    async def of(self, organization_id: str) -> OrganizationPolicies:
        return (await self.policies([organization_id]))[organization_id]

    async def revision(self, organization_id: str, kind: str, name: str) -> int:
        """Of the document that is in force; 0 where there is none."""
        found = await self._documents.find_one({"_id": document_key(organization_id, kind, name)}, {"revision": 1})
        return int(found["revision"]) if found else 0

    async def _read(self, organization_ids: Sequence[str], heads: dict[str, int]) -> None:
        found: dict[str, list[Document]] = {organization_id: [] for organization_id in organization_ids}
        async for document in self._documents.find({"organization_id": {"$in": list(organization_ids)}}):
            found[document["organization_id"]].append(document)
        for organization_id, documents in found.items():
            self._known[organization_id] = (heads[organization_id], _composed(documents))
            self._known.move_to_end(organization_id)
        while len(self._known) > max(_REMEMBERED, len(heads)):
            self._known.popitem(last=False)


def _composed(documents: Iterable[Document]) -> OrganizationPolicies:
    """Raises pydantic's ValidationError for a document that no longer loads."""
    whole: dict[str, Any] = {}
    for document in documents:
        content = orjson.loads(document["content"])
        if document.get("deleted"):
            continue
        if document["kind"] in SEVERAL:
            identity = {"name": document["name"], "revision": document["revision"]}
            whole.setdefault(SEVERAL[document["kind"]], {})[document["name"]] = content | identity
        else:
            whole[document["kind"]] = content
    return OrganizationPolicies.model_validate(whole)


def _write(message: Message) -> UpdateOne:
    """Meets the id that exists, and changes nothing, where this revision or a later one is there."""
    event, organization_id = message.payload, message.envelope.organization_id
    assert isinstance(event, OrganizationDocumentChanged)
    row: dict[str, Any] = {
        "organization_id": organization_id,
        "kind": event.kind,
        "name": event.name,
        "revision": event.revision,
        "content": orjson.dumps(event.content).decode(),
        "deleted": event.deleted,
        "ends_at": event.ends_at + KEPT_AFTER_THE_END if event.ends_at else None,
    }
    identity = {"_id": document_key(organization_id, event.kind, event.name), "revision": {"$lt": event.revision}}
    return UpdateOne(identity, {"$set": row}, upsert=True)


class DocumentConsumer:
    """Takes batches from policy.events."""

    def __init__(self, store: OrganizationStore, parking: Parking) -> None:
        self._store = store
        self._parking = parking

    async def handle(self, records: Batch) -> None:
        read_records = [(record, read(record)) for record in records]
        messages = [_sound(record, message) for record, message in read_records]
        unreadable = [message for message in messages if isinstance(message, Unreadable)]
        if unreadable:
            await self._parking.park(unreadable)
        await self._store.keep([message for message in messages if isinstance(message, Message)])

    async def set_aside(self, record: Record, error: Exception) -> None:
        await self._parking.set_aside(record, error)


def _sound(record: Record, message: Message | Unreadable) -> Message | Unreadable:
    """What was stored unsound would fail every command of its organisation. Kinds of newer writers are kept."""
    if isinstance(message, Unreadable):
        return message
    event = message.payload
    assert isinstance(event, OrganizationDocumentChanged)
    key = document_key(message.envelope.organization_id, event.kind, event.name)
    if not key == message.envelope.key == (record.key or b"").decode(errors="replace"):
        return Unreadable(record, "the key does not name the organisation's document")
    try:
        DOCUMENTS.get(event.kind, Contract).model_validate(event.content)
    except ValidationError as error:
        return Unreadable(record, f"not a valid {event.kind}: {describe(error)}")
    return message


class OrganizationReads:
    """Whether a document is in force, for whoever has just put it: waits for it, bounded."""

    def __init__(self, store: OrganizationStore, wait_seconds: float, poll_seconds: float) -> None:
        self._store = store
        self._wait = wait_seconds
        self._poll = poll_seconds

    async def is_in_force(self, organization_id: str, kind: str, name: str, revision: int) -> bool:
        """This revision of it, or a later one."""
        deadline = asyncio.get_running_loop().time() + self._wait
        while await self._store.revision(organization_id, kind, name) < revision:
            if asyncio.get_running_loop().time() >= deadline:
                log.warning("document_behind", organization_id=organization_id, kind=kind, revision=revision)
                return False
            await asyncio.sleep(self._poll)
        # Whoever keeps it may not have come to the head yet, without which nobody looks for it.
        await self._store.move_heads([organization_id])
        return True
