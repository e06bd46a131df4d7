"""Delegations, each a document that changes once at most: when it is revoked."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from pymongo import ASCENDING, DESCENDING, IndexModel, InsertOne

from services.playbook_registry.domain.delegations import StoredDelegation
from shared.asked import When, Word
from shared.mongo import Document, Mongo, bulk_write
from shared.pages import Listing, Order, Page, page_of

_LATEST_END_FIRST = Order(("ends_at",), DESCENDING)


def _index(name: str, *fields: str) -> IndexModel:
    equal = [(field, ASCENDING) for field in ("organization_id", *fields)]
    return IndexModel([*equal, *_LATEST_END_FIRST.sort()], name=name)


INDEXES = {
    "delegations": [
        _index("list_latest_end_first"),
        _index("list_by_delegator", "delegator"),
        _index("list_by_substitute", "substitute"),
    ]
}


@dataclass(frozen=True, slots=True)
class DelegationFilters:
    """What is left out lets everything through; all that is given must hold."""

    delegator: Word | None = None
    substitute: Word | None = None
    ends_from: When | None = None

    def query(self, organization_id: str) -> Document:
        query: Document = {"organization_id": organization_id}
        given = {"delegator": self.delegator, "substitute": self.substitute}
        query |= {field: value for field, value in given.items() if value is not None}
        return query | ({"ends_at": {"$gte": self.ends_from}} if self.ends_from is not None else {})


class DelegationStore:
    def __init__(self, mongo: Mongo) -> None:
        self._delegations = mongo.collection("delegations")

    async def add(self, delegation: StoredDelegation) -> bool:
        """False where its id is taken."""
        row = asdict(delegation)
        return not await bulk_write(self._delegations, [InsertOne({"_id": row.pop("delegation_id"), **row})])

    async def revoke(self, delegation: StoredDelegation) -> bool:
        """False where another has revoked it meanwhile."""
        guard = {"_id": delegation.delegation_id, "revision": delegation.revision - 1}
        names = ("revision", "ends_at", "revoked_at", "revoked_by", "revoked_with")
        row = asdict(delegation)
        result = await self._delegations.update_one(guard, {"$set": {name: row[name] for name in names}})
        return bool(result.matched_count)

    async def get(self, organization_id: str, delegation_id: str) -> StoredDelegation | None:
        found = await self._delegations.find_one({"organization_id": organization_id, "_id": delegation_id})
        return _stored(found) if found else None

    async def open_ones(self, organization_id: str, delegator: str, now: datetime) -> int:
        """How many of theirs have not ended."""
        query = {"organization_id": organization_id, "delegator": delegator, "ends_at": {"$gt": now}}
        return int(await self._delegations.count_documents(query))

    async def page(
        self, organization_id: str, filters: DelegationFilters, cursor: str | None, limit: int
    ) -> Page[StoredDelegation]:
        """Those that end last first. Raises Refused for a foreign cursor."""
        listing = Listing(filters.query(organization_id), _LATEST_END_FIRST, repr(filters), cursor, limit)
        return (await page_of(self._delegations, listing)).map(_stored)


def _stored(document: Document) -> StoredDelegation:
    row: dict[str, Any] = {name: value for name, value in document.items() if name != "_id"}
    roles = tuple(row["roles"]) if row["roles"] is not None else None
    lent = tuple(row["delegator_roles"])
    return StoredDelegation(**{**row, "delegation_id": document["_id"], "roles": roles, "delegator_roles": lent})
