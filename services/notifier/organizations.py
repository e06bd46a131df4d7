"""What the notifier follows of organisations: whom it tells of a role's steps, and who stands in for whom."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import timedelta

import orjson
from pydantic import ValidationError
from pymongo import ASCENDING, IndexModel, UpdateOne

from contracts.organization_documents import OrganizationDocumentChanged, document_key
from contracts.policies import DELEGATION, NOTIFICATIONS, Delegation, Notifications
from contracts.values import Contract
from services.notifier.delegations import DelegationMails
from services.notifier.domain.audience import Directory
from shared.kafka import Batch, Parking
from shared.messages import Message, Record, Unreadable, describe, read
from shared.mongo import Document, Mongo, bulk_write

DOCUMENTS = "organization_documents"
INDEXES = {
    DOCUMENTS: [
        IndexModel([("organization_id", ASCENDING)], name="of_organization"),
        IndexModel([("ends_at", ASCENDING)], name="kept_till_the_end", expireAfterSeconds=0),
    ]
}
_MODELS: dict[str, type[Contract]] = {DELEGATION: Delegation, NOTIFICATIONS: Notifications}
"""By kind: those that say whom to tell; all others are passed by."""
_KEPT_AFTER_THE_END = timedelta(days=7)
"""Longer than an event waits for the notifier."""


class DirectoryStore:
    """The newest revision of each document."""

    def __init__(self, mongo: Mongo) -> None:
        self._documents = mongo.collection(DOCUMENTS)

    async def keep(self, changes: Sequence[Message]) -> None:
        """Older revisions than those that are there change nothing."""
        await bulk_write(self._documents, [_write(message) for message in changes])

    async def of(self, organization_ids: Collection[str]) -> dict[str, Directory]:
        """Of those that have set anything."""
        if not organization_ids:
            return {}
        found: dict[str, list[Document]] = defaultdict(list)
        query = {"organization_id": {"$in": sorted(organization_ids)}, "deleted": False}
        async for document in self._documents.find(query):
            found[document["organization_id"]].append(document)
        return {organization_id: _directory(documents) for organization_id, documents in found.items()}


class DocumentConsumer:
    """Takes batches from policy.events. Without `mails` nobody is told."""

    def __init__(self, store: DirectoryStore, mails: DelegationMails | None, parking: Parking) -> None:
        self._store = store
        self._mails = mails
        self._parking = parking

    async def handle(self, records: Batch) -> None:
        messages = [_sound(record, read(record)) for record in records]
        await self._parking.park([message for message in messages if isinstance(message, Unreadable)])
        sound = [message for message in messages if isinstance(message, Message)]
        await self._store.keep(sound)
        if self._mails is not None:
            await self._mails.take(sound)


def _sound(record: Record, message: Message | Unreadable) -> Message | Unreadable | None:
    """None for a kind that says nothing here."""
    if isinstance(message, Unreadable):
        return message
    event = message.payload
    assert isinstance(event, OrganizationDocumentChanged)
    if event.kind not in _MODELS:
        return None
    try:
        _MODELS[event.kind].model_validate(event.content)
    except ValidationError as error:
        return Unreadable(record, f"not a valid {event.kind}: {describe(error)}")
    return message


def _write(message: Message) -> UpdateOne:
    """Meets the id that exists, and changes nothing, where this revision or a later one is there."""
    event, organization_id = message.payload, message.envelope.organization_id
    assert isinstance(event, OrganizationDocumentChanged)
    row = {
        "organization_id": organization_id,
        "kind": event.kind,
        "revision": event.revision,
        "content": orjson.dumps(event.content).decode(),
        "deleted": event.deleted,
        "ends_at": event.ends_at + _KEPT_AFTER_THE_END if event.ends_at else None,
    }
    identity = {"_id": document_key(organization_id, event.kind, event.name), "revision": {"$lt": event.revision}}
    return UpdateOne(identity, {"$set": row}, upsert=True)


def _directory(documents: Sequence[Document]) -> Directory:
    contents = [(document["kind"], orjson.loads(document["content"])) for document in documents]
    notifications = [Notifications.model_validate(content) for kind, content in contents if kind == NOTIFICATIONS]
    delegations = [Delegation.model_validate(content) for kind, content in contents if kind == DELEGATION]
    contacts = {entry.role: entry.contacts for policy in notifications for entry in policy.role_contacts}
    return Directory(contacts, delegations)
