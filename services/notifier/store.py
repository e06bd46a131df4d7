"""Deliveries, each once for one event, channel and person; and what later events do not say: who began a run."""

from collections import deque
from collections.abc import Collection as Many
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Literal

from pymongo import ASCENDING, IndexModel, InsertOne, ReturnDocument

from services.notifier.domain.notices import Notice, StartedRun
from shared.mongo import Collection, Document, Mongo, bulk_write

EMAIL = "email"
"""A channel."""
DELIVERIES = "deliveries"
RUNS = "runs"
INDEXES = {
    DELIVERIES: [
        IndexModel(
            [("status", ASCENDING), ("notice.organization_id", ASCENDING), ("due_at", ASCENDING)], name="due_of"
        ),
        IndexModel([("expires_at", ASCENDING)], name="expiry", expireAfterSeconds=0),
    ],
    RUNS: [IndexModel([("expires_at", ASCENDING)], name="expiry", expireAfterSeconds=0)],
}
RUNS_KEPT = timedelta(days=365)
Status = Literal["pending", "accepted", "sent", "failed"]
"""`accepted`: the mail server has it, the run has not been told yet."""


@dataclass(frozen=True, slots=True)
class Delivery:
    delivery_id: str
    """`<run_id>:<sequence>:<channel>:<whom>`; of what is about no run, its id and the channel."""
    notice: Notice
    status: Status
    tries: int
    created_at: datetime
    """The first try is due then."""
    correlation_id: str
    causation_id: str
    traceparent: str | None


class NoticeStore:
    def __init__(self, mongo: Mongo, kept: timedelta, lease: timedelta) -> None:
        self._deliveries: Collection = mongo.collection(DELIVERIES)
        self._runs: Collection = mongo.collection(RUNS)
        self._kept = kept
        self._lease = lease
        self._turns: deque[str] = deque()

    async def add(self, deliveries: Sequence[Delivery]) -> None:
        """One that is known already is left as it is."""
        await bulk_write(self._deliveries, [InsertOne(self._document(d)) for d in deliveries])

    async def withdraw(self, delivery_ids: Many[str]) -> None:
        """Of these no other try is made."""
        if delivery_ids:
            await self._deliveries.delete_many({"_id": {"$in": sorted(delivery_ids)}, "status": "pending"})

    async def claim(self, now: datetime) -> Delivery | None:
        """What is due for longest of the organisation whose turn it is, so that the many mails of one delay no other's.
        The lease counts the try."""
        found = await self._next(now)
        if found is None:
            self._turns.extend(await self._deliveries.distinct("notice.organization_id", _due(now)))
            found = await self._next(now)
        return found

    async def _next(self, now: datetime) -> Delivery | None:
        """Of the organisations that wait for their turn; those that have nothing due wait no more."""
        while self._turns:
            organization_id = self._turns.popleft()
            document = await self._deliveries.find_one_and_update(
                {**_due(now), "notice.organization_id": organization_id},
                {"$set": {"due_at": now + self._lease}, "$inc": {"tries": 1}},
                sort=[("due_at", ASCENDING)],
                return_document=ReturnDocument.AFTER,
            )
            if document:
                self._turns.append(organization_id)
                return _delivery(document)
        return None

    async def mark(self, delivery_id: str, status: Status, reason: str | None = None) -> None:
        await self._deliveries.update_one({"_id": delivery_id}, {"$set": {"status": status, "reason": reason}})

    async def try_again(self, delivery_id: str, at: datetime, reason: str) -> None:
        await self._deliveries.update_one(
            {"_id": delivery_id, "status": "pending"}, {"$set": {"due_at": at, "reason": reason}}
        )

    async def remember(self, runs: Sequence[StartedRun], now: datetime) -> None:
        """One that is known already is left as it is."""
        documents = [{"_id": run.run_id, **asdict(run), "expires_at": now + RUNS_KEPT} for run in runs]
        await bulk_write(self._runs, [InsertOne(document) for document in documents])

    async def runs(self, run_ids: Many[str]) -> Mapping[str, StartedRun]:
        if not run_ids:
            return {}
        found = await self._runs.find({"_id": {"$in": sorted(run_ids)}}).to_list(None)
        return {run["_id"]: StartedRun(run["_id"], run["started_by"], run["playbook_name"]) for run in found}

    def _document(self, delivery: Delivery) -> Document:
        return {
            "_id": delivery.delivery_id,
            "notice": asdict(delivery.notice),
            "status": delivery.status,
            "tries": delivery.tries,
            "due_at": delivery.created_at,
            "created_at": delivery.created_at,
            "expires_at": delivery.created_at + self._kept,
            "correlation_id": delivery.correlation_id,
            "causation_id": delivery.causation_id,
            "traceparent": delivery.traceparent,
        }


def _due(now: datetime) -> Document:
    return {"status": {"$in": ["pending", "accepted"]}, "due_at": {"$lte": now}}


def _delivery(document: Document) -> Delivery:
    return Delivery(
        delivery_id=document["_id"],
        notice=Notice(**document["notice"]),
        status=document["status"],
        tries=document["tries"],
        created_at=document["created_at"],
        correlation_id=document["correlation_id"],
        causation_id=document["causation_id"],
        traceparent=document["traceparent"],
    )
