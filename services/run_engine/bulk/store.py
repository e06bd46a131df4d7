"""Operations, and what became of each of their runs."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from pymongo import ASCENDING, IndexModel, InsertOne, ReturnDocument, UpdateOne

from contracts.bulk import SignalRuns
from contracts.rejections import NO_LONGER_KEPT, SET_ASIDE
from contracts.replies import Reply
from services.run_engine.documents import journal_of
from shared import clock
from shared.ids import stable_id
from shared.messages import Message
from shared.mongo import Document, Mongo, bulk_write
from shared.outcomes import Outcome, Outcomes
from shared.pages import Listing, Order, Page, page_of

LEASE = timedelta(seconds=30)
KEPT = timedelta(days=30)
ResultStatus = Literal["pending", "succeeded", "failed"]
_BY_ID = Order((), ASCENDING)
_KEPT_SECONDS = int(KEPT.total_seconds())
INDEXES = {
    "bulk_operations": [
        IndexModel([("status", ASCENDING), ("leased_until", ASCENDING)], name="to_be_done"),
        IndexModel([("at", ASCENDING)], name="kept_for_a_month", expireAfterSeconds=_KEPT_SECONDS),
    ],
    "bulk_results": [
        IndexModel([("operation_id", ASCENDING), ("_id", ASCENDING)], name="of_operation"),
        IndexModel([("operation_id", ASCENDING), ("status", ASCENDING), ("_id", ASCENDING)], name="of_status"),
        IndexModel([("at", ASCENDING)], name="kept_for_a_month", expireAfterSeconds=_KEPT_SECONDS),
    ],
}


@dataclass(frozen=True, slots=True)
class Operation:
    """A signal on its way to many runs."""

    operation_id: str
    organization_id: str
    command: SignalRuns
    correlation_id: str
    traceparent: str | None
    position: str | None
    """The cursor up to which runs have been taken up."""
    walked: bool
    """All of them have been."""
    at: datetime

    def command_id(self, run_id: str) -> str:
        return stable_id("cmd", "bulk", self.operation_id, run_id)


@dataclass(frozen=True, slots=True)
class Taken:
    """An operation that is stored; those of before 0119 have no fingerprint."""

    fingerprint: str | None
    is_over: bool


class BulkStore:
    def __init__(self, mongo: Mongo) -> None:
        self._operations = mongo.collection("bulk_operations")
        self._results = mongo.collection("bulk_results")
        self._runs = mongo.collection("runs")
        self._outcomes = Outcomes(mongo)

    async def add(self, messages: Iterable[Message]) -> None:
        """An operation that is there already stays as it is."""
        await bulk_write(self._operations, [InsertOne(_document(message)) for message in messages])

    async def load_stored(self, operation_ids: Collection[str]) -> dict[str, Taken]:
        """By operation id."""
        found = self._operations.find({"_id": {"$in": list(operation_ids)}}, {"fingerprint": 1, "status": 1})
        return {row["_id"]: Taken(row.get("fingerprint"), row["status"] == "done") async for row in found}

    async def claim(self) -> Operation | None:
        """The one that has waited longest for somebody to look after it."""
        now = clock.now()
        found = await self._operations.find_one_and_update(
            {"status": "running", "leased_until": {"$lte": now}},
            {"$set": {"leased_until": now + LEASE}},
            sort=[("leased_until", ASCENDING)],
            return_document=ReturnDocument.AFTER,
        )
        return _operation(found) if found else None

    async def keep(self, operation_id: str) -> None:
        """The lease goes on."""
        await self._set(operation_id, leased_until=clock.now() + LEASE)

    async def runs_of(self, listing: Listing) -> tuple[list[str], str | None]:
        """Ids of a page of runs, and the cursor of the next one."""
        found = [document["_id"] async for document in listing.cursor_over(self._runs)]
        following = found[: listing.limit]
        if len(found) <= listing.limit:
            return following, None
        last = await self._runs.find_one({"_id": following[-1]}, listing.fields)
        return following, listing.next_after(last)

    async def take_up(self, operation: Operation, run_ids: Collection[str], position: str | None) -> None:
        """These runs are part of the operation from now on; None: they are the last."""
        now = clock.now()
        rows = [
            InsertOne({
                "_id": f"{operation.operation_id}:{run_id}", "operation_id": operation.operation_id,
                "run_id": run_id, "status": "pending", "at": now,
            })
            for run_id in run_ids
        ]  # fmt: skip
        await bulk_write(self._results, rows)
        await self._set(operation.operation_id, position=position, walked=position is None)

    async def pending(self, operation_id: str, limit: int) -> list[str]:
        """Ids of runs."""
        found = self._results.find({"operation_id": operation_id, "status": "pending"}).sort("_id").limit(limit)
        return [row["run_id"] async for row in found]

    async def answers(self, operation: Operation, run_ids: Collection[str]) -> dict[str, Reply | None]:
        """What the runs that are there have said to the operation's signal; None: nothing yet."""
        query = {"_id": {"$in": list(run_ids)}, "organization_id": operation.organization_id}
        found = self._runs.find(query, {"journal": 1, "older_commands": 1, "incident": 1})
        runs = {run["_id"]: run async for run in found}
        commands = {run_id: operation.command_id(run_id) for run_id in runs}
        moved = [command for run_id, command in commands.items() if command in runs[run_id]["older_commands"]]
        stored = await self._outcomes.load(moved)
        return {run_id: _answer(run, commands[run_id], stored) for run_id, run in runs.items()}

    async def settle(self, operation_id: str, replies: Mapping[str, Reply]) -> None:
        """By run id."""
        now = clock.now()
        writes = [
            UpdateOne({"_id": f"{operation_id}:{run_id}"}, {"$set": {**_outcome(reply), "at": now}})
            for run_id, reply in replies.items()
        ]
        await bulk_write(self._results, writes)

    async def finish(self, operation_id: str) -> None:
        await self._set(operation_id, status="done", finished_at=clock.now())

    async def read(self, organization_id: str, operation_id: str) -> Document | None:
        """Status, times, and how many runs are where."""
        query = {"_id": operation_id, "organization_id": organization_id}
        found: Document | None = await self._operations.find_one(query)
        if found is None:
            return None
        stages = [{"$match": {"operation_id": operation_id}}, {"$group": {"_id": "$status", "count": {"$sum": 1}}}]
        counts = {group["_id"]: group["count"] async for group in self._results.aggregate(stages)}
        return {**found, "counts": counts}

    async def results(
        self, operation_id: str, status: ResultStatus | None, cursor: str | None, limit: int
    ) -> Page[Document]:
        query = {"operation_id": operation_id, **({"status": status} if status else {})}
        hint = "of_status" if status else "of_operation"
        return await page_of(self._results, Listing(query, _BY_ID, repr((operation_id, status)), cursor, limit, hint))

    async def _set(self, operation_id: str, **fields: Any) -> None:
        await self._operations.update_one({"_id": operation_id}, {"$set": fields})


def _document(message: Message) -> Document:
    command, envelope, now = message.payload, message.envelope, clock.now()
    assert isinstance(command, SignalRuns)
    return {
        "_id": command.operation_id,
        "organization_id": envelope.organization_id,
        "command": command.model_dump_json(),
        "fingerprint": envelope.fingerprint,
        "correlation_id": envelope.correlation_id,
        "traceparent": envelope.traceparent,
        "status": "running",
        "position": None,
        "walked": False,
        "leased_until": now,
        "at": now,
        "finished_at": None,
    }


def _operation(found: Document) -> Operation:
    return Operation(
        operation_id=found["_id"],
        organization_id=found["organization_id"],
        command=SignalRuns.model_validate_json(found["command"]),
        correlation_id=found["correlation_id"],
        traceparent=found["traceparent"],
        position=found["position"],
        walked=found["walked"],
        at=found["at"],
    )


def _answer(run: Document, command_id: str, stored: Mapping[str, Outcome]) -> Reply | None:
    """Returns what the run said to the command, None if it has not answered or must be asked again.

    `stored` has the answers that have left the journals.
    """
    if (run.get("incident") or {}).get("command_id") == command_id:
        return Reply(rejection=SET_ASIDE)
    entry = journal_of(run).find(command_id)
    if entry is None:
        expired = Reply(rejection=NO_LONGER_KEPT) if command_id in run["older_commands"] else None
        return stored[command_id].reply if command_id in stored else expired
    reply = entry.reply()
    return reply if reply.rejection is None or reply.rejection.is_final else None


def _outcome(reply: Reply) -> Document:
    if reply.rejection is None:
        return {"status": "succeeded"}
    return {"status": "failed", "error": reply.rejection.model_dump(mode="json")}
