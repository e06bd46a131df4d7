"""The jobs: each is stored once, claimed under a lease, and forgotten some days after its end."""

from collections.abc import Collection as Many
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pymongo import ASCENDING, IndexModel, InsertOne, ReturnDocument

from contracts.jobs import AutomationJob
from services.automation.domain.endpoints import Channel, attempt_seconds
from shared.mongo import Collection, Document, bulk_write

JOBS = "jobs"
INDEXES = {
    JOBS: [
        IndexModel(
            [("state", ASCENDING), ("lease_until", ASCENDING), ("organization_id", ASCENDING), ("lane", ASCENDING)],
            name="due_by_lane",
        ),
        IndexModel([("expires_at", ASCENDING)], name="expiry", expireAfterSeconds=0),
    ]
}
_OPEN, _WITH_WORKER, _DONE = "open", "with_worker", "done"


@dataclass(frozen=True, slots=True)
class StoredJob:
    """A job with what its messages carry on."""

    job: AutomationJob
    channel: Channel
    correlation_id: str
    causation_id: str
    traceparent: str | None
    lane: str = ""
    """Organisation and host of a call, which share their bounds and their circuit."""
    stored_at: datetime | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class KnownJob:
    """What a worker's result is checked against."""

    run_id: str
    organization_id: str
    step_id: str
    channel: Channel
    done: bool
    correlation_id: str
    causation_id: str
    traceparent: str | None


class JobStore:
    def __init__(self, jobs: Collection, lease_margin: timedelta, kept: timedelta) -> None:
        self._jobs = jobs
        self._lease_margin = lease_margin
        self._kept = kept

    async def add(self, jobs: Sequence[StoredJob], now: datetime) -> None:
        """A job that is known already is left as it is."""
        await bulk_write(self._jobs, [InsertOne(self._document(stored, now)) for stored in jobs])

    async def claim(self, now: datetime, busy: Many[str], shut: Many[str] = ()) -> StoredJob | None:
        """The job that is due for longest, of no `busy` organisation and no `shut` lane, leased for its attempt."""
        return await self._claim(now, {"organization_id": {"$nin": sorted(busy)}, "lane": {"$nin": sorted(shut)}})

    async def claim_stuck(self, now: datetime, shut: Many[str], since: datetime) -> StoredJob | None:
        """A job of a `shut` lane that was stored before `since`."""
        return await self._claim(now, {"lane": {"$in": sorted(shut)}, "stored_at": {"$lte": since}})

    async def _claim(self, now: datetime, which: Document) -> StoredJob | None:
        document = await self._jobs.find_one_and_update(
            {"state": _OPEN, "lease_until": {"$lte": now}} | which,
            [{"$set": {"lease_until": {"$add": [now, "$lease_ms"]}}}],
            sort=[("lease_until", ASCENDING)],
            return_document=ReturnDocument.AFTER,
        )
        return _stored(document) if document else None

    async def release(self, job_id: str, now: datetime) -> None:
        """Gives the lease back: the attempt was not made."""
        await self._jobs.update_one({"_id": job_id, "state": _OPEN}, {"$set": {"lease_until": now}})

    async def handed_over(self, job_id: str, now: datetime) -> None:
        """An external worker has it now; the engine's own timer sees to one that never answers."""
        change = {"state": _WITH_WORKER, "expires_at": now + self._kept}
        await self._jobs.update_one({"_id": job_id, "state": _OPEN}, {"$set": change, "$unset": {"job": ""}})

    async def finish(self, job_ids: Sequence[str], now: datetime) -> None:
        change = {"$set": {"state": _DONE, "expires_at": now + self._kept}, "$unset": {"job": ""}}
        await self._jobs.update_many({"_id": {"$in": list(job_ids)}}, change)

    async def known(self, job_ids: Many[str]) -> dict[str, KnownJob]:
        found = await self._jobs.find({"_id": {"$in": sorted(job_ids)}}, {"job": 0}).to_list(None)
        return {document["_id"]: _known(document) for document in found}

    def _document(self, stored: StoredJob, now: datetime) -> Document:
        job = stored.job
        return {
            "_id": job.job_id,
            "run_id": job.run_id,
            "organization_id": job.organization_id,
            "step_id": job.step_id,
            "channel": stored.channel,
            "lane": stored.lane,
            "state": _OPEN,
            "stored_at": now,
            "lease_until": now,
            "lease_ms": int(attempt_seconds(job.timeout_seconds) * 1000)
            + self._lease_margin // timedelta(milliseconds=1),
            "correlation_id": stored.correlation_id,
            "causation_id": stored.causation_id,
            "traceparent": stored.traceparent,
            # As text: run data may have keys and numbers that BSON has no room for.
            "job": job.model_dump_json(),
        }


def _stored(document: Document) -> StoredJob:
    return StoredJob(
        job=AutomationJob.model_validate_json(document["job"]),
        channel=document["channel"],
        correlation_id=document["correlation_id"],
        causation_id=document["causation_id"],
        traceparent=document["traceparent"],
        lane=document.get("lane", ""),
        stored_at=document.get("stored_at"),
    )


def _known(document: Document) -> KnownJob:
    return KnownJob(
        run_id=document["run_id"],
        organization_id=document["organization_id"],
        step_id=document["step_id"],
        channel=document["channel"],
        done=document["state"] == _DONE,
        correlation_id=document["correlation_id"],
        causation_id=document["causation_id"],
        traceparent=document["traceparent"],
    )
