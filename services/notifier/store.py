"""Deliveries, each once for one event and channel; and what the events do not say: who has a step, who began a run."""

from collections.abc import Collection as Many
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Literal

from pymongo import ASCENDING, IndexModel, InsertOne, ReturnDocument, UpdateOne

from services.notifier.domain.notices import Notice, StartedRun, StepKey
from shared.mongo import Collection, Document, Mongo, bulk_write

DELIVERIES = "deliveries"
ASSIGNEES = "assignees"
RUNS = "runs"
INDEXES = {
    DELIVERIES: [
        IndexModel([("status", ASCENDING), ("due_at", ASCENDING)], name="due"),
        IndexModel([("expires_at", ASCENDING)], name="expiry", expireAfterSeconds=0),
    ],
    ASSIGNEES: [IndexModel([("expires_at", ASCENDING)], name="expiry", expireAfterSeconds=0)],
    RUNS: [IndexModel([("expires_at", ASCENDING)], name="expiry", expireAfterSeconds=0)],
}
ASSIGNEES_KEPT = timedelta(days=365)
Status = Literal["pending", "accepted", "sent", "failed"]
"""`accepted`: the mail server has it, the run has not been told yet."""


@dataclass(frozen=True, slots=True)
class Delivery:
    delivery_id: str
    """`<run_id>:<sequence>:<channel>`."""
    notice: Notice
    status: Status
    tries: int
    created_at: datetime
    correlation_id: str
    causation_id: str
    traceparent: str | None


@dataclass(frozen=True, slots=True)
class Assignment:
    """Who has a step since which event of the run."""

    step: StepKey
    user: str
    sequence: int


class NoticeStore:
    def __init__(self, mongo: Mongo, kept: timedelta, lease: timedelta) -> None:
        self._deliveries: Collection = mongo.collection(DELIVERIES)
        self._assignees: Collection = mongo.collection(ASSIGNEES)
        self._runs: Collection = mongo.collection(RUNS)
        self._kept = kept
        self._lease = lease

    async def add(self, deliveries: Sequence[Delivery]) -> None:
        """One that is known already is left as it is."""
        await bulk_write(self._deliveries, [InsertOne(self._document(d)) for d in deliveries])

    async def claim(self, now: datetime) -> Delivery | None:
        """What is due for longest; the lease counts the try."""
        document = await self._deliveries.find_one_and_update(
            {"status": {"$in": ["pending", "accepted"]}, "due_at": {"$lte": now}},
            {"$set": {"due_at": now + self._lease}, "$inc": {"tries": 1}},
            sort=[("due_at", ASCENDING)],
            return_document=ReturnDocument.AFTER,
        )
        return _delivery(document) if document else None

    async def mark(self, delivery_id: str, status: Status, reason: str | None = None) -> None:
        await self._deliveries.update_one({"_id": delivery_id}, {"$set": {"status": status, "reason": reason}})

    async def try_again(self, delivery_id: str, at: datetime, reason: str) -> None:
        await self._deliveries.update_one(
            {"_id": delivery_id, "status": "pending"}, {"$set": {"due_at": at, "reason": reason}}
        )

    async def assign(self, assignments: Sequence[Assignment], now: datetime) -> None:
        """The latest event counts, whichever comes first."""
        await bulk_write(self._assignees, [_assign(a, now) for a in assignments])

    async def remember(self, runs: Sequence[StartedRun], now: datetime) -> None:
        """One that is known already is left as it is."""
        documents = [{"_id": run.run_id, **asdict(run), "expires_at": now + ASSIGNEES_KEPT} for run in runs]
        await bulk_write(self._runs, [InsertOne(document) for document in documents])

    async def runs(self, run_ids: Many[str]) -> Mapping[str, StartedRun]:
        if not run_ids:
            return {}
        found = await self._runs.find({"_id": {"$in": sorted(run_ids)}}).to_list(None)
        return {run["_id"]: StartedRun(run["_id"], run["started_by"], run["playbook_name"]) for run in found}

    async def assignees(self, steps: Many[StepKey]) -> Mapping[StepKey, str]:
        if not steps:
            return {}
        found = await self._assignees.find({"_id": {"$in": [_step_id(step) for step in steps]}}).to_list(None)
        users = {document["_id"]: document["user"] for document in found}
        return {step: users[_step_id(step)] for step in steps if _step_id(step) in users}

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


def _step_id(step: StepKey) -> str:
    return f"{step[0]}:{step[1]}"


def _assign(assignment: Assignment, now: datetime) -> UpdateOne:
    # Where a later event was first, the filter finds nothing and the upsert meets the unique key: nothing changes.
    return UpdateOne(
        {"_id": _step_id(assignment.step), "sequence": {"$lt": assignment.sequence}},
        {"$set": {"user": assignment.user, "sequence": assignment.sequence, "expires_at": now + ASSIGNEES_KEPT}},
        upsert=True,
    )


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
