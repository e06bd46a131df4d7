"""What automation reads: jobs from the engine, results from external workers."""

from collections.abc import Callable, Mapping, Sequence

import structlog
from prometheus_client import Counter
from pydantic import ValidationError

from contracts.jobs import AutomationJob, JobsOrder, WorkerResult
from services.automation.attempts import ATTEMPTS
from services.automation.calls import CallLimits
from services.automation.domain.endpoints import channel, of_organization
from services.automation.domain.leases import lease_seconds
from services.automation.results import result_message
from services.automation.sealing import Sealing, SealingFault
from services.automation.store import JobStore, KnownJob, StoredJob
from shared.clock import now
from shared.errors import Refused
from shared.json_values import refusal_sentence, storable
from shared.kafka import Batch, Parking, Publisher
from shared.messages import Message, Record, Unreadable, describe, read, read_json

ORDERED = Counter("hera_automation_jobs_ordered", "Jobs held, released or withdrawn with their runs", ["order"])
for _order in ("hold", "release", "withdraw"):
    ORDERED.labels(_order)  # a series that begins with its first one shows no increase
log = structlog.get_logger()


class JobConsumer:
    """Stores jobs and says so; what they take is done elsewhere, so that a slow endpoint holds up no partition.

    A job that an order of its batch speaks of is stored as held, so that nobody claims it before the order is obeyed.
    """

    def __init__(
        self,
        store: JobStore,
        parking: Parking,
        limits: CallLimits,
        worker_lease_seconds: float,
        stored: Callable[[], None],
    ) -> None:
        self._lease_seconds = worker_lease_seconds
        self._store = store
        self._parking = parking
        self._limits = limits
        self._stored = stored

    async def handle(self, records: Batch) -> None:
        messages = [_read_keyed(record) for record in records]
        await self._parking.park([m for m in messages if isinstance(m, Unreadable)])
        taken = [(m, m.payload) for m in messages if isinstance(m, Message)]
        orders = [payload for _, payload in taken if isinstance(payload, JobsOrder)]
        jobs = [self._job(m, payload) for m, payload in taken if isinstance(payload, AutomationJob)]
        await self._store.add(jobs, now(), held={job_id for order in orders for job_id in order.job_ids})
        await self._obey(orders)
        self._stored()

    async def _obey(self, orders: Sequence[JobsOrder]) -> None:
        for order in orders:
            reached = await self._store.obey(order, now())
            ORDERED.labels(order.order).inc(reached)
            log.info("jobs_ordered", order=order.order, run_id=order.run_id, job_ids=order.job_ids, reached=reached)

    def _job(self, message: Message, job: AutomationJob) -> StoredJob:
        envelope = message.envelope
        base = of_organization(job.organization_id, self._limits.bases)
        return StoredJob(
            job, channel(job.api_endpoint, base), envelope.correlation_id, envelope.id, envelope.traceparent,
            lane=self._limits.lane(job), worker_lease_seconds=lease_seconds(job.config, self._lease_seconds),
            partition=message.partition,
        )  # fmt: skip


def _read_keyed(record: Record) -> Message | Unreadable:
    message = read(record)
    if isinstance(message, Message) and record.key != message.envelope.key.encode():
        return Unreadable(record, "the record's key is not the envelope's")
    return message


class ResultConsumer:
    """Takes workers' results; one that belongs to no job of a worker is parked with the reason."""

    def __init__(
        self, store: JobStore, publisher: Publisher, parking: Parking, sealing: Sealing, max_bytes: int
    ) -> None:
        self._store = store
        self._sealing = sealing
        self._publisher = publisher
        self._parking = parking
        self._max_bytes = max_bytes

    async def handle(self, records: Batch) -> None:
        results = [(record, self._read(record)) for record in records]
        known = await self._store.known({r.job_id for _, r in results if isinstance(r, WorkerResult)})
        checked = [_checked(record, result, known) for record, result in results]
        await self._parking.park([c for c in checked if isinstance(c, Unreadable)])
        told = [c for c in checked if isinstance(c, WorkerResult)]
        beating = {r.job_id for r in told if r.outcome == "heartbeat"}
        if beating:
            await self._store.heard_of(beating, now())
        await self._take([r for r in told if r.outcome != "heartbeat"], known)

    async def _take(self, results: Sequence[WorkerResult], known: Mapping[str, KnownJob]) -> None:
        fresh = [r for r in results if not known[r.job_id].done]
        if not fresh:
            return
        sealed = [await self._sealed(result, known[result.job_id]) for result in fresh]
        await self._publisher.publish([result_message(r, known[r.job_id]) for r in sealed])
        await self._store.finish([r.job_id for r in fresh], now())
        for result in fresh:
            ATTEMPTS.labels("worker", result.outcome).inc()

    async def _sealed(self, result: WorkerResult, job: KnownJob) -> WorkerResult:
        try:
            data = await self._sealing.sealed(job.run_id, job.organization_id, result.data, job.encrypted_fields)
        except SealingFault as fault:
            return result.model_copy(update={"outcome": "failure", "data": {}, "error": str(fault)})
        return result if data is result.data else result.model_copy(update={"data": data})

    def _read(self, record: Record) -> WorkerResult | Unreadable:
        if len(record.value or b"") > self._max_bytes:
            return Unreadable(record, f"the result has more than {self._max_bytes} bytes")
        document = read_json(record)
        if isinstance(document, Unreadable):
            return document
        try:
            storable(document)
            return WorkerResult.model_validate(document)
        except Refused as refused:
            return Unreadable(record, f"not a valid WorkerResult: {refusal_sentence(refused)}")
        except ValidationError as error:
            return Unreadable(record, f"not a valid WorkerResult: {describe(error)}")


def _checked(
    record: Record, result: WorkerResult | Unreadable, known: Mapping[str, KnownJob]
) -> WorkerResult | Unreadable:
    if isinstance(result, Unreadable):
        return result
    job = known.get(result.job_id)
    if job is None or job.organization_id != result.organization_id:
        return Unreadable(record, f"organisation {result.organization_id} has no job {result.job_id}")
    if job.channel != "worker":
        return Unreadable(record, f"job {result.job_id} was not given to workers")
    if (job.run_id, job.step_id) != (result.run_id, result.step_id):
        return Unreadable(record, f"job {result.job_id} is of run {job.run_id}, {job.step_id}")
    return result
