"""The jobs: each is stored once, claimed under a lease, and forgotten some days after its end."""

from collections.abc import Collection as Many
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pymongo import ASCENDING, IndexModel, InsertOne, ReturnDocument

from contracts.jobs import AutomationJob, JobsOrder
from services.automation import standing
from services.automation.domain.endpoints import Channel, attempt_seconds
from services.automation.standing import DONE, HELD, LOST, OPEN, WITH_WORKER
from shared.mongo import Collection, Document, bulk_write

JOBS = "jobs"
INDEXES = {
    JOBS: [
        IndexModel(
            [(key, ASCENDING) for key in ("state", "lease_until", "organization_id", "lane", "partition")],
            name="due_in_partition",
        ),
        IndexModel([("expires_at", ASCENDING)], name="expiry", expireAfterSeconds=0),
    ]
}


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
    worker_lease_seconds: float = 60.0
    """How long a worker that has sent a heartbeat may be silent."""
    stored_at: datetime | None = field(default=None, compare=False)
    partition: int | None = None
    """Of automation.jobs, where the orders to it will be."""


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
    answer_by: datetime | None = None
    encrypted_fields: tuple[str, ...] = ()


class JobStore:
    def __init__(self, jobs: Collection, lease_margin: timedelta, kept: timedelta) -> None:
        self._jobs = jobs
        self._lease_margin = lease_margin
        self._kept = kept

    async def add(self, jobs: Sequence[StoredJob], now: datetime, held: Many[str] = ()) -> None:
        """A job that is known already is left as it is; those that are `held` wait for an order."""
        documents = [self._document(stored, now) for stored in jobs]
        for document in documents:
            document["state"] = HELD if document["_id"] in held else OPEN
        await bulk_write(self._jobs, [InsertOne(document) for document in documents])

    async def obey(self, order: JobsOrder, now: datetime) -> int:
        """How many jobs it has reached. Nothing changes for what has begun, and for orders that are out of date."""
        done = await self._jobs.update_many(standing.which(order), standing.change(order, now, self._kept))
        return int(done.modified_count)

    async def claim(
        self, now: datetime, busy: Many[str] = (), shut: Many[str] = (), followed: Many[int] = ()
    ) -> StoredJob | None:
        """The job that is due for longest, of no `busy` organisation and no `shut` lane, leased for its attempt.

        Only of partitions that are `followed`, so that it would be known if its run had been paused; of any, where it
        is not kept of which it is.
        """
        which = {"organization_id": {"$nin": sorted(busy)}, "lane": {"$nin": sorted(shut)}}
        return await self._claim(now, which, followed)

    async def claim_stuck(
        self, now: datetime, shut: Many[str], since: datetime, followed: Many[int] = ()
    ) -> StoredJob | None:
        """A job of a `shut` lane that was stored before `since`."""
        return await self._claim(now, {"lane": {"$in": sorted(shut)}, "stored_at": {"$lte": since}}, followed)

    async def _claim(self, now: datetime, which: Document, followed: Many[int]) -> StoredJob | None:
        document = await self._jobs.find_one_and_update(
            {"state": OPEN, "lease_until": {"$lte": now}, "partition": {"$in": [None, *followed]}} | which,
            [{"$set": {"lease_until": {"$add": [now, "$lease_ms"]}}}],
            sort=[("lease_until", ASCENDING)],
            return_document=ReturnDocument.AFTER,
        )
        return _stored(document) if document else None

    async def is_open(self, job_id: str) -> bool:
        """Whether it may still be begun: its run was not paused since it was claimed, nor its attempt ended."""
        return await self._jobs.find_one({"_id": job_id, "state": OPEN}, {"_id": 1}) is not None

    async def release(self, job_id: str, due: datetime) -> None:
        """Gives the lease back: the attempt was not made, and may be from `due` on."""
        await self._jobs.update_one({"_id": job_id, "state": {"$in": [OPEN, HELD]}}, {"$set": {"lease_until": due}})

    async def handed_over(self, job_id: str, now: datetime, answer_by: datetime | None) -> None:
        """It is offered to workers now, and counts as lost without an answer at `answer_by`."""
        change = standing.handed_over(now, answer_by, self._kept)
        await self._jobs.update_one({"_id": job_id, "state": {"$in": [OPEN, HELD]}}, change)

    async def heard_of(self, job_ids: Many[str], now: datetime) -> None:
        """Their workers are at it: begins or renews their leases, to `answer_by` at most.

        A worker may be quicker than the note that the job was handed over.
        """
        until = {"$min": [{"$add": [now, "$worker_lease_ms"]}, "$answer_by"]}
        heard = {"state": WITH_WORKER, "lease_until": until, "expires_at": now + self._kept}
        query = {"_id": {"$in": sorted(job_ids)}, "state": {"$in": [OPEN, HELD, WITH_WORKER]}, "channel": "worker"}
        await self._jobs.update_many(query, [{"$set": heard}, {"$unset": "job"}])

    async def silent(self, now: datetime, limit: int) -> dict[str, KnownJob]:
        """Jobs whose worker's lease has run out."""
        query = {"state": WITH_WORKER, "lease_until": {"$lte": now}}
        found = await self._jobs.find(query, {"job": 0}).sort("lease_until", ASCENDING).to_list(limit)
        return {document["_id"]: _known(document) for document in found}

    async def lost(self, job_ids: Many[str], now: datetime) -> None:
        """Their attempts are over without an answer that counts; one that still comes is told."""
        query = {"_id": {"$in": sorted(job_ids)}, "state": {"$in": [OPEN, HELD, WITH_WORKER]}}
        change = {"$set": {"state": LOST, "expires_at": now + self._kept}, "$unset": {"job": "", "lease_until": ""}}
        await self._jobs.update_many(query, change)

    async def finish(self, job_ids: Sequence[str], now: datetime) -> None:
        change = {"$set": {"state": DONE, "expires_at": now + self._kept}, "$unset": {"job": ""}}
        await self._jobs.update_many({"_id": {"$in": list(job_ids)}}, change)

    async def known(self, job_ids: Many[str]) -> dict[str, KnownJob]:
        found = await self._jobs.find({"_id": {"$in": sorted(job_ids)}}, {"job": 0}).to_list(None)
        return {document["_id"]: _known(document) for document in found}

    def _lease(self, stored: StoredJob) -> timedelta:
        """Of a claim: handing a job to workers takes no time of its own."""
        if stored.channel == "worker":
            return self._lease_margin
        return timedelta(seconds=attempt_seconds(stored.job.timeout_seconds)) + self._lease_margin

    def _document(self, stored: StoredJob, now: datetime) -> Document:
        job = stored.job
        return {
            "_id": job.job_id,
            "run_id": job.run_id,
            "organization_id": job.organization_id,
            "step_id": job.step_id,
            "channel": stored.channel,
            "lane": stored.lane,
            "partition": stored.partition,
            "stored_at": now,
            "lease_until": now,
            "lease_ms": self._lease(stored) // timedelta(milliseconds=1),
            "worker_lease_ms": int(stored.worker_lease_seconds * 1000),
            "correlation_id": stored.correlation_id,
            "causation_id": stored.causation_id,
            "traceparent": stored.traceparent,
            "encrypted_fields": job.encrypted_fields,
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
        worker_lease_seconds=document.get("worker_lease_ms", 60_000) / 1000,
        stored_at=document.get("stored_at"),
        partition=document.get("partition"),
    )


def _known(document: Document) -> KnownJob:
    return KnownJob(
        run_id=document["run_id"],
        organization_id=document["organization_id"],
        step_id=document["step_id"],
        channel=document["channel"],
        done=document["state"] == DONE,
        correlation_id=document["correlation_id"],
        causation_id=document["causation_id"],
        traceparent=document["traceparent"],
        answer_by=document.get("answer_by"),
        encrypted_fields=tuple(document.get("encrypted_fields", ())),
    )
