"""The store of access records: written before an answer that discloses something, kept for a configured time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated

from fastapi import Depends
from pymongo import ASCENDING, DESCENDING, IndexModel, InsertOne

from contracts.access_log import AccessOutcome, AccessRecord
from contracts.values import rfc3339
from shared import clock
from shared.correlation import correlation
from shared.ids import new_id
from shared.mongo import Document, Mongo, bulk_write
from shared.pages import Listing, Order, Page, page_of

_NEWEST = Order(("at",), DESCENDING)
INDEXES = {
    "access_log": [
        IndexModel([("run_id", ASCENDING), *_NEWEST.sort()], name="of_run"),
        IndexModel([("organization_id", ASCENDING), *_NEWEST.sort()], name="of_organization"),
        IndexModel([("expires_at", ASCENDING)], name="kept_for_its_time", expireAfterSeconds=0),
    ]
}


@dataclass(frozen=True, slots=True)
class AccessedBy:
    """Who asks for what, as the calling service says it in the query string."""

    user: str | None = None
    user_type: str | None = None
    operation: str | None = None

    def record(
        self,
        organization_id: str,
        outcome: AccessOutcome,
        fields: Sequence[str] = (),
        run_id: str | None = None,
        step_id: str | None = None,
    ) -> AccessRecord:
        return AccessRecord(
            access_id=new_id("acc"),
            at=clock.now(),
            organization_id=organization_id,
            run_id=run_id,
            step_id=step_id,
            user=self.user,
            user_type=self.user_type,
            operation=self.operation,
            fields=tuple(sorted(set(fields))),
            outcome=outcome,
            correlation_id=correlation().correlation_id,
        )


def _accessed_by(
    accessed_by: str | None = None, accessed_by_type: str | None = None, operation: str | None = None
) -> AccessedBy:
    return AccessedBy(accessed_by, accessed_by_type, operation)


By = Annotated[AccessedBy, Depends(_accessed_by)]


class AccessLog:
    def __init__(self, mongo: Mongo, retention: timedelta) -> None:
        self._records = mongo.collection("access_log")
        self._retention = retention

    async def store(self, records: Sequence[AccessRecord]) -> None:
        """Raises StoreFault where they can't be stored: whoever is about to disclose something must not go on."""
        await bulk_write(self._records, [InsertOne(self._document(record)) for record in records])

    async def of_run(
        self, organization_id: str, run_id: str, outcome: AccessOutcome | None, cursor: str | None, limit: int
    ) -> Page[Document]:
        """Returns the newest first, with refused calls that had no valid token: those belong to no organization."""
        query: Document = {"organization_id": {"$in": [organization_id, None]}, "run_id": run_id}
        return await self._page(query, outcome, "of_run", cursor, limit)

    async def of_organization(
        self, organization_id: str, outcome: AccessOutcome | None, cursor: str | None, limit: int
    ) -> Page[Document]:
        return await self._page({"organization_id": organization_id}, outcome, "of_organization", cursor, limit)

    async def _page(
        self, query: Document, outcome: AccessOutcome | None, hint: str, cursor: str | None, limit: int
    ) -> Page[Document]:
        query |= {"outcome": outcome} if outcome is not None else {}
        listing = Listing(query, _NEWEST, repr(query), cursor, limit, hint)
        return (await page_of(self._records, listing)).map(_view)

    def _document(self, record: AccessRecord) -> Document:
        content = record.model_dump(exclude={"access_id"})
        return {"_id": record.access_id, **content, "expires_at": record.at + self._retention}


def _view(document: Document) -> Document:
    record = AccessRecord.model_validate({**document, "access_id": document["_id"]})
    shown = record.model_dump(exclude={"organization_id"}, exclude_none=True)
    shown |= {name: rfc3339(shown[name]) for name in ("at", "until") if name in shown}
    return {**shown, "fields": list(record.fields)}
