"""Named secrets of organizations: each is encrypted under a key of its own, below the organization's."""

import structlog
from pymongo import ASCENDING, IndexModel, ReturnDocument

from contracts.rejections import Code
from contracts.secrets import MOST_SECRETS
from contracts.values import rfc3339
from services.run_engine.domain.clear import GONE
from services.run_engine.sealing.sealer import Sealer
from services.run_engine.sealing.store import KeyStore, Owner
from shared import clock
from shared.cipher import BrokenSeal
from shared.errors import Refused, Unavailable
from shared.http import invalid
from shared.mongo import Document, Mongo

INDEXES = {"secrets": [IndexModel([("organization_id", ASCENDING), ("name", ASCENDING)], name="of_organization")]}
log = structlog.get_logger()
_FIELD = "value"
_COMMANDS = 32
_SET: Document = {"deleting": {"$exists": False}}
"""Not those of which only the mark of a deletion is left."""
_NO_KEYS = "This installation has no ENCRYPTION_KEYS, without which it keeps no secrets"


class SecretStore:
    def __init__(self, mongo: Mongo, sealer: Sealer, keys: KeyStore) -> None:
        self._secrets = mongo.collection("secrets")
        self._sealer = sealer
        self._keys = keys

    async def put_secret(
        self, organization_id: str, name: str, value: str, by: str | None, command_id: str | None = None
    ) -> Document:
        """Sets or replaces a secret; the same value again, or the same command, changes nothing.

        Raises Refused (VALIDATION_ERROR) for one too many, Unavailable where no keys are configured.
        """
        self.require_keys()
        known = await self._find(organization_id, name)
        if known is not None and command_id in known.get("commands", ()):
            return _view(known)
        if (known is None or "deleting" in known) and await self._count(organization_id) >= MOST_SECRETS:
            raise invalid({"field": "name", "value": name, "reason": f"An organization has {MOST_SECRETS} at most"})
        if known is not None and "deleting" not in known and await self._open(known) == value:
            return _view(known)
        sealed = await self._sealer.sealed(_owner(organization_id, name), {_FIELD: value}, [_FIELD], "secret")
        now = clock.now()
        update = {
            "$set": {**sealed, "updated_at": now, "updated_by": by},
            "$setOnInsert": {"organization_id": organization_id, "name": name, "created_at": now},
            "$inc": {"version": 1},
            "$unset": {"deleting": ""},
            **_remember_command(command_id),
        }
        query = {"_id": _id(organization_id, name)}
        written = await self._secrets.find_one_and_update(
            query, update, upsert=True, return_document=ReturnDocument.AFTER
        )
        return _view(written)

    def require_keys(self) -> None:
        """Raises Unavailable."""
        if not self._keys.are_configured:
            raise Unavailable(_NO_KEYS)

    async def list(self, organization_id: str) -> list[Document]:
        """Returns what is known of all, by name, without their values."""
        found = self._secrets.find({"organization_id": organization_id, **_SET}).sort("name", ASCENDING)
        return [_view(document) async for document in found]

    async def delete(self, organization_id: str, name: str, command_id: str | None = None) -> Document:
        """Destroys the key; the rest goes with `forget`. The same command again does so once.

        Raises Refused (NOT_FOUND).
        """
        known = await self._find(organization_id, name)
        if known is not None and "deleting" not in known and command_id not in known.get("commands", ()):
            change = {"$set": {"deleting": command_id}, **_remember_command(command_id)}
            known = await self._secrets.find_one_and_update(
                {"_id": known["_id"]}, change, return_document=ReturnDocument.AFTER
            )
        if known is None or known.get("deleting", command_id) != command_id:
            raise _not_found(name)
        if known.get("deleting", "") == command_id:
            await self._keys.destroy([known[_FIELD]["key_id"]])
        return _view(known)

    async def forget(self, organization_id: str, name: str, command_id: str | None = None) -> None:
        """What is left of a secret that the command has deleted, unless it was set again."""
        await self._secrets.delete_one(
            {"_id": _id(organization_id, name), "deleting": {"$eq": command_id, "$exists": True}}
        )

    async def read(self, organization_id: str, name: str) -> str:
        """Returns the value. Raises Refused (NOT_FOUND) for one that is not set, was erased, or can't be opened."""
        known = await self._find(organization_id, name)
        value = await self._open(known) if known is not None else None
        if value is None:
            raise _not_found(name)
        return value

    async def _count(self, organization_id: str) -> int:
        return int(await self._secrets.count_documents({"organization_id": organization_id, **_SET}))

    async def _find(self, organization_id: str, name: str) -> Document | None:
        found: Document | None = await self._secrets.find_one(
            {"_id": _id(organization_id, name), "organization_id": organization_id}
        )
        return found

    async def _open(self, document: Document) -> str | None:
        """Returns None where the value was erased, or a key of the configuration is missing: it has to be set again."""
        owner, sealed = _owner(document["organization_id"], document["name"]), document[_FIELD]
        try:
            clear = (await self._sealer.opened({owner: [(_FIELD, sealed)]}))[owner][_FIELD, sealed["ciphertext"]]
        except BrokenSeal as fault:
            log.error("secret_not_opened", organization_id=owner.organization_id, name=document["name"], why=str(fault))
            return None
        return None if clear is GONE else str(clear)


def _remember_command(command_id: str | None) -> Document:
    """The command is known with what it changes: sent again after a crash it changes nothing."""
    if command_id is None:
        return {}
    return {"$push": {"commands": {"$each": [command_id], "$slice": -_COMMANDS}}}


def _owner(organization_id: str, name: str) -> Owner:
    return Owner(organization_id, f"secret:{organization_id}:{name}")


def _id(organization_id: str, name: str) -> str:
    return f"{organization_id}:{name}"


def _view(document: Document) -> Document:
    return {
        "name": document["name"],
        "version": document["version"],
        "created_at": rfc3339(document["created_at"]),
        "updated_at": rfc3339(document["updated_at"]),
        "updated_by": document["updated_by"],
    }


def _not_found(name: str) -> Refused:
    return Refused(Code.NOT_FOUND, f"Secret {name} was not found", field="name", value=name)
