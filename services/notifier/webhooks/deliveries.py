"""Messages on their way to endpoints, each once for one event and subscription."""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from pymongo import ASCENDING, DESCENDING, IndexModel, InsertOne, ReturnDocument

from contracts.values import rfc3339
from shared.mongo import Collection, Document, Mongo, bulk_write
from shared.pages import Listing, Order, Page, page_of

DELIVERIES = "webhook_deliveries"
DeliveryStatus = Literal["pending", "delivered", "failed"]
_NEWEST_FIRST = Order(("created_at",), DESCENDING)
_OF_WEBHOOK = (("organization_id", ASCENDING), ("webhook_id", ASCENDING))
INDEXES = {
    DELIVERIES: [
        IndexModel([("status", ASCENDING), ("webhook_id", ASCENDING), ("due_at", ASCENDING)], name="due"),
        IndexModel([("status", ASCENDING), ("created_at", ASCENDING)], name="oldest"),
        IndexModel([*_OF_WEBHOOK, *_NEWEST_FIRST.sort()], name="of_webhook"),
        IndexModel([*_OF_WEBHOOK, ("status", ASCENDING), *_NEWEST_FIRST.sort()], name="of_status"),
        IndexModel([("replay_id", ASCENDING)], name="of_replay", sparse=True),
        IndexModel([("expires_at", ASCENDING)], name="expiry", expireAfterSeconds=0),
    ]
}


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message to one endpoint."""

    delivery_id: str
    """Its `webhook-id`: the same for each try, and for each time that the event comes from Kafka."""
    webhook_id: str
    organization_id: str
    event_id: str | None
    event_type: str
    run_id: str | None
    body: str
    created_at: datetime
    since: datetime
    """When the tries began, or began anew."""
    correlation_id: str
    traceparent: str | None
    is_trial: bool = False
    """Sent once, whatever the subscription's status."""
    status: DeliveryStatus = "pending"
    tries: int = 0
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """What one try came to; `error` is None where the endpoint took it."""

    at: datetime
    status_code: int | None
    error: str | None
    retry_after: float = 0.0
    """Seconds for which the endpoint asked to be left alone."""
    is_ours: bool = False
    """It failed here: the endpoint was not called."""

    @property
    def shown(self) -> Document:
        """What is kept of it."""
        return {"at": self.at, "status_code": self.status_code, "error": self.error}


class DeliveryStore:
    """`lease`: longer than a try can take."""

    def __init__(self, mongo: Mongo, kept: timedelta, lease: timedelta) -> None:
        self._deliveries: Collection = mongo.collection(DELIVERIES)
        self._kept = kept
        self._lease = lease
        self._turns: deque[str] = deque()

    async def add(self, deliveries: Sequence[Outgoing]) -> None:
        """One that is known already is left as it is."""
        await bulk_write(self._deliveries, [InsertOne(self._document(d)) for d in deliveries])

    async def claim(self, now: datetime, is_busy: Callable[[str], bool]) -> Outgoing | None:
        """What is due for longest at the endpoint whose turn it is: a long queue of one delays no other's."""
        for _ in range(len(self._turns)):
            webhook_id = self._turns.popleft()
            found = None if is_busy(webhook_id) else await self._claim_of(webhook_id, now)
            if found is not None:
                self._turns.append(webhook_id)
                return _outgoing(found)
        return None

    async def turns(self) -> list[str]:
        """Subscriptions whose turn comes next: all with something pending, where all have had theirs."""
        if not self._turns:
            self._turns.extend(await self._deliveries.distinct("webhook_id", {"status": "pending"}))
        return list(self._turns)

    async def release(self, delivery: Outgoing, now: datetime) -> None:
        """The try was not made, or was cut short."""
        await self._deliveries.update_one(_this_try(delivery), {"$set": {"due_at": now}})

    async def delivered(self, delivery: Outgoing, attempt: Attempt) -> None:
        change = {"status": "delivered", "delivered_at": attempt.at, "last": attempt.shown, "error": None}
        await self._deliveries.update_one({"_id": delivery.delivery_id}, {"$set": change})

    async def try_again(self, delivery: Outgoing, at: datetime, attempt: Attempt) -> None:
        change = {"due_at": at, "last": attempt.shown, "error": attempt.error}
        await self._deliveries.update_one(_this_try(delivery), {"$set": change})

    async def failed(self, delivery: Outgoing, reason: str, attempt: Attempt | None = None) -> None:
        change = {"status": "failed", "error": reason, **({"last": attempt.shown} if attempt else {})}
        await self._deliveries.update_one(_this_try(delivery), {"$set": change})

    async def give_up(self, organization_id: str, webhook_id: str, reason: str) -> None:
        """All that is pending for the endpoint."""
        query = {"organization_id": organization_id, "webhook_id": webhook_id, "status": "pending"}
        await self._deliveries.update_many(query, {"$set": {"status": "failed", "error": reason}})

    async def replay(self, organization_id: str, webhook_id: str, delivery_id: str, now: datetime) -> Document | None:
        """As it is from then on; None for an unknown one."""
        query = {"_id": delivery_id, "organization_id": organization_id, "webhook_id": webhook_id}
        change = {"$set": self._anew(now)}
        found: Document | None = await self._deliveries.find_one_and_update(
            query, change, return_document=ReturnDocument.AFTER
        )
        return found

    async def replay_failed(
        self, organization_id: str, webhook_id: str, since: datetime, replay_id: str, now: datetime
    ) -> int:
        """How many; under the same `replay_id` it is the same number again."""
        query = {
            "organization_id": organization_id, "webhook_id": webhook_id, "status": "failed",
            "created_at": {"$gte": since}, "is_trial": False,
        }  # fmt: skip
        await self._deliveries.update_many(query, {"$set": {**self._anew(now), "replay_id": replay_id}})
        return int(await self._deliveries.count_documents({"replay_id": replay_id}))

    async def page(
        self, organization_id: str, webhook_id: str, status: DeliveryStatus | None, cursor: str | None, limit: int
    ) -> Page[Document]:
        query = {"organization_id": organization_id, "webhook_id": webhook_id, **({"status": status} if status else {})}
        hint = "of_status" if status else "of_webhook"
        asked = repr((webhook_id, status))
        return await page_of(self._deliveries, Listing(query, _NEWEST_FIRST, asked, cursor, limit, hint, {"body": 0}))

    async def waiting(self) -> tuple[int, datetime | None]:
        """How many are pending, and since when the oldest of them is."""
        count = await self._deliveries.count_documents({"status": "pending"})
        oldest = await self._deliveries.find_one({"status": "pending"}, sort=[("created_at", ASCENDING)])
        return int(count), oldest["created_at"] if oldest else None

    async def _claim_of(self, webhook_id: str, now: datetime) -> Document | None:
        found: Document | None = await self._deliveries.find_one_and_update(
            {"status": "pending", "webhook_id": webhook_id, "due_at": {"$lte": now}},
            {"$set": {"due_at": now + self._lease}, "$inc": {"tries": 1}},
            sort=[("due_at", ASCENDING)],
            return_document=ReturnDocument.AFTER,
        )
        return found

    def _anew(self, now: datetime) -> Document:
        begun = {"status": "pending", "due_at": now, "since": now, "tries": 0, "delivered_at": None}
        return {**begun, "expires_at": now + self._kept}

    def _document(self, delivery: Outgoing) -> Document:
        fields = asdict(delivery)
        times = {"due_at": delivery.created_at, "expires_at": delivery.created_at + self._kept}
        return {"_id": fields.pop("delivery_id"), **fields, **times, "delivered_at": None, "last": None}


def delivery_view(found: Document) -> dict[str, Any]:
    """As the API shows it."""
    last = found["last"] or {}
    return {
        "delivery_id": found["_id"],
        "webhook_id": found["webhook_id"],
        "event_type": found["event_type"],
        "event_id": found["event_id"],
        "run_id": found["run_id"],
        "status": found["status"],
        "tries": found["tries"],
        "created_at": rfc3339(found["created_at"]),
        "next_try_at": rfc3339(found["due_at"]) if found["status"] == "pending" else None,
        "delivered_at": rfc3339(found["delivered_at"]) if found["delivered_at"] else None,
        "last_try_at": rfc3339(last["at"]) if last else None,
        "last_status_code": last.get("status_code"),
        "error": found["error"],
    }


def _this_try(delivery: Outgoing) -> Document:
    """Where the lease ran out and somebody else is at it, their word counts."""
    return {"_id": delivery.delivery_id, "status": "pending", "tries": delivery.tries}


def _outgoing(found: Document) -> Outgoing:
    names = Outgoing.__dataclass_fields__.keys() - {"delivery_id"}
    return Outgoing(delivery_id=found["_id"], **{name: found[name] for name in names})
