"""The keys that data is encrypted with: one for each run, under its organisation's, under the configuration's.

Nothing is kept in memory: a key that was destroyed is gone for every engine at once.
"""

import uuid
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

import structlog
from pymongo import ASCENDING, DESCENDING, IndexModel, InsertOne, UpdateOne

from shared import clock
from shared.cipher import BrokenSeal, encrypt, new_key
from shared.errors import Unavailable
from shared.keyring import Keyring, Wrapped, unwrapped
from shared.mongo import Document, Mongo, bulk_write

INDEXES = {
    "keys": [
        IndexModel([("owner", ASCENDING), ("number", DESCENDING)], name="number_of_owner", unique=True),
        IndexModel([("wrapped.by", ASCENDING)], name="wrapped_by"),
        IndexModel([("runs_told", ASCENDING)], name="to_be_told", sparse=True),
    ]
}
log = structlog.get_logger()
NOT_CONFIGURED = "The playbook has encrypted fields, and this installation has no ENCRYPTION_KEYS"


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose key it is: an organisation's, or a run's (or bulk operation's) in it."""

    organization_id: str
    run_id: str | None = None

    @property
    def name(self) -> str:
        """An organisation can't be taken for a run."""
        return f"run:{self.run_id}" if self.run_id is not None else f"organization:{self.organization_id}"


@dataclass(frozen=True, slots=True)
class Key:
    key_id: str
    secret: bytes


Found = bytes | None | BrokenSeal
"""A key; None for one that was destroyed; why it can't be had."""


class KeyStore:
    def __init__(self, mongo: Mongo, keyring: Keyring) -> None:
        self._keys = mongo.collection("keys")
        self._keyring = keyring

    @property
    def are_configured(self) -> bool:
        return self._keyring.current is not None

    async def current(self, owner: Owner) -> Key:
        """The owner's newest key, made where there is none that may be used. Raises Unavailable, BrokenSeal."""
        if not self.are_configured:
            raise Unavailable(NOT_CONFIGURED)
        above = await self.current(Owner(owner.organization_id)) if owner.run_id is not None else None
        while True:
            newest = await self._keys.find_one({"owner": owner.name}, sort=[("number", DESCENDING)])
            if newest and newest["wrapped"] and (above is None or newest["wrapped"]["by"] == above.key_id):
                return Key(newest["_id"], self._secret(newest, above))
            await self._make(owner, newest["number"] + 1 if newest else 1, above)

    async def rotate(self, organization_id: str) -> Key:
        """A new key for the organisation; runs get new ones under it with their next value. Raises as `current`."""
        owner = Owner(organization_id)
        number = int((await self.current(owner)).key_id.split(":")[-2])
        await self._make(owner, number + 1, None)
        return await self.current(owner)

    async def oldest(self, owner: Owner) -> Key | None:
        """The first key that the owner had and that is not destroyed: it stays the same where newer ones are made."""
        query = {"owner": owner.name, "wrapped": {"$ne": None}}
        first = await self._keys.find_one(query, sort=[("number", ASCENDING)])
        found = (await self.find([first["_id"]]))[first["_id"]] if first else None
        return Key(first["_id"], found) if isinstance(found, bytes) else None

    async def find(self, key_ids: Collection[str]) -> dict[str, Found]:
        """Keys of runs, by id."""
        documents = await self._documents(key_ids)
        above = await self._documents({d["wrapped"]["by"] for d in documents.values() if d["wrapped"]})
        return {key_id: self._found(key_id, documents, above) for key_id in key_ids}

    async def of_run(self, owner: Owner) -> list[str]:
        """Ids of the keys that are not destroyed."""
        found = self._keys.find(
            {"owner": owner.name, "organization_id": owner.organization_id, "wrapped": {"$ne": None}}
        )
        return [document["_id"] async for document in found]

    async def destroy(self, key_ids: Iterable[str]) -> None:
        """What was encrypted with them can't be read any more. Once destroyed is destroyed."""
        gone = {"$set": {"wrapped": None, "destroyed_at": clock.now()}}
        await bulk_write(self._keys, [UpdateOne({"_id": i, "wrapped": {"$ne": None}}, gone) for i in key_ids])

    async def destroy_organization(self, organization_id: str, by: str, command_id: str | None = None) -> int:
        """Destroys the organisation's own keys, without which none of its runs' can be unwrapped; returns how many.

        The same command again destroys no later ones.
        """
        owner, asked = Owner(organization_id).name, {"destroyed_for": command_id} if command_id else {}
        if asked and (earlier := await self._keys.count_documents({"owner": owner, **asked})):
            return int(earlier)
        query = {"owner": owner, "wrapped": {"$ne": None}}
        gone = {"wrapped": None, "destroyed_at": clock.now(), "destroyed_by": by, "runs_told": False, **asked}
        return int((await self._keys.update_many(query, {"$set": gone})).modified_count)

    async def orphaned(self, limit: int) -> list[Document]:
        """Keys of runs whose organisation's was destroyed, with `destroyed_by`."""
        async for above in self._keys.find({"runs_told": False}):
            found = await self._keys.find({"wrapped.by": above["_id"]}).limit(limit).to_list(None)
            if found:
                return [{**key, "destroyed_by": above["destroyed_by"]} for key in found]
            await self._keys.update_one({"_id": above["_id"]}, {"$set": {"runs_told": True}})
        return []

    async def wrapped_by(self) -> dict[str | None, int]:
        """How many keys of organisations are wrapped by each key of the configuration, this one's or an older one's."""
        wrapped = {"$match": {"run_id": None, "wrapped": {"$ne": None}}}
        counted = {"$group": {"_id": "$wrapped.by", "keys": {"$sum": 1}}}
        found = self._keys.aggregate([wrapped, counted])
        return {group["_id"]: group["keys"] async for group in found}

    async def rewrap(self) -> None:
        """At the start, and by command: wraps the organisations' keys by the first key of the configuration.

        One that can't be unwrapped is told and left: its runs have incidents, and it may still be destroyed.
        """
        query = {"run_id": None, "wrapped": {"$ne": None}, "wrapped.by": {"$ne": self._keyring.current}}
        writes: list[UpdateOne] = []
        async for document in self._keys.find(query):
            try:
                writes.append(self._rewrapped(document))
            except BrokenSeal as fault:
                log.error("key_not_rewrapped", organization_id=document["organization_id"], reason=str(fault))
        await bulk_write(self._keys, writes)
        if writes:
            log.info("keys_rewrapped", keys=len(writes), by=self._keyring.current)

    def _rewrapped(self, document: Document) -> UpdateOne:
        key_id, old = document["_id"], document["wrapped"]
        secret = self._keyring.unwrap(_wrapped(document), key_id)
        wrapped = _stored(self._keyring.wrap(secret, key_id))
        return UpdateOne({"_id": key_id, "wrapped.nonce": old["nonce"]}, {"$set": {"wrapped": wrapped}})

    async def _make(self, owner: Owner, number: int, above: Key | None) -> None:
        """Of several engines that make the same key at a time, one does. An id never stands for a second key."""
        key_id, secret = f"{owner.name}:{number}:{uuid.uuid4().hex[:8]}", new_key()
        wrapped = _wrapped_by(above, secret, key_id) if above is not None else self._keyring.wrap(secret, key_id)
        document = {
            "_id": key_id, "owner": owner.name, "number": number, "organization_id": owner.organization_id,
            "run_id": owner.run_id, "wrapped": _stored(wrapped), "created_at": clock.now(), "destroyed_at": None,
        }  # fmt: skip
        await bulk_write(self._keys, [InsertOne(document)])

    async def _documents(self, key_ids: Collection[str]) -> dict[str, Document]:
        if not key_ids:
            return {}
        return {document["_id"]: document async for document in self._keys.find({"_id": {"$in": list(key_ids)}})}

    def _found(self, key_id: str, documents: dict[str, Document], above: dict[str, Document]) -> Found:
        document = documents.get(key_id)
        if document is None:
            return BrokenSeal(f"there is no key {key_id}")
        if document["wrapped"] is None:
            return None
        by = above.get(document["wrapped"]["by"])
        if by is None:
            return BrokenSeal(f"there is no key {document['wrapped']['by']}")
        if by["wrapped"] is None:
            return None
        try:
            return self._secret(document, Key(by["_id"], self._secret(by, None)))
        except BrokenSeal as fault:
            return fault

    def _secret(self, document: Document, above: Key | None) -> bytes:
        wrapped = _wrapped(document)
        if above is None:
            return self._keyring.unwrap(wrapped, document["_id"])
        return unwrapped(wrapped, above.secret, document["_id"])


def _wrapped_by(above: Key, secret: bytes, key_id: str) -> Wrapped:
    return Wrapped(above.key_id, *encrypt(above.secret, secret, key_id))


def _wrapped(document: Document) -> Wrapped:
    stored = document["wrapped"]
    return Wrapped(stored["by"], stored["nonce"], stored["ciphertext"])


def _stored(wrapped: Wrapped) -> dict[str, Any]:
    return {"by": wrapped.by, "nonce": wrapped.nonce, "ciphertext": wrapped.ciphertext}
