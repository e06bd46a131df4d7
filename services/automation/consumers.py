"""What automation reads: jobs from the engine, results from external workers."""

import asyncio
from collections.abc import Callable, Mapping, Sequence

import structlog
from prometheus_client import Counter

from contracts.jobs import AutomationJob, JobsOrder, WorkerResult
from services.automation.attempts import ATTEMPTS
from services.automation.calls import CallLimits
from services.automation.domain.endpoints import channel, of_organization
from services.automation.domain.leases import lease_seconds
from services.automation.results import result_message, spoilt_message
from services.automation.sealing import Sealing, SealingFault
from services.automation.store import JobStore, KnownJob, StoredJob
from services.automation.worker_answers import Answer, SpoiltAnswer, mismatch, read_answer
from shared.clock import now
from shared.kafka import Batch, Parking, Publisher
from shared.messages import Message, OutgoingMessage, Record, Unreadable, read

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
        """Many runs may be paused at once; those of one run keep their order."""
        of_runs: dict[str, list[JobsOrder]] = {}
        for order in orders:
            of_runs.setdefault(order.run_id, []).append(order)
        await asyncio.gather(*map(self._obey_in_turn, of_runs.values()))

    async def _obey_in_turn(self, orders: Sequence[JobsOrder]) -> None:
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
    """Takes workers' answers. One that belongs to no job of a worker is parked with the reason; one that is spoilt too,
    and ends its attempt."""

    def __init__(
        self, store: JobStore, publisher: Publisher, parking: Parking, sealing: Sealing, max_bytes: int
    ) -> None:
        self._store = store
        self._sealing = sealing
        self._publisher = publisher
        self._parking = parking
        self._max_bytes = max_bytes

    async def handle(self, records: Batch) -> None:
        read = [(record, read_answer(record, self._max_bytes)) for record in records]
        known = await self._store.known({a.job_id for _, a in read if not isinstance(a, Unreadable)})
        checked = [_checked(record, answer, known) for record, answer in read]
        await self._parking.park([parked for c in checked if (parked := _to_park(c)) is not None])
        told = [c for c in checked if not isinstance(c, Unreadable)]
        beating = {a.job_id for a in told if _is_heartbeat(a)}
        if beating:
            await self._store.heard_of(beating, now())
        await self._take([a for a in told if not _is_heartbeat(a) and not known[a.job_id].done], known)

    async def _take(self, answers: Sequence[Answer], known: Mapping[str, KnownJob]) -> None:
        if not answers:
            return
        await self._publisher.publish([await self._message(answer, known[answer.job_id]) for answer in answers])
        await self._store.finish([a.job_id for a in answers if isinstance(a, WorkerResult)], now())
        await self._store.lost({a.job_id for a in answers if isinstance(a, SpoiltAnswer)}, now())
        for answer in answers:
            ATTEMPTS.labels("worker", "spoilt" if isinstance(answer, SpoiltAnswer) else answer.outcome).inc()

    async def _message(self, answer: Answer, job: KnownJob) -> OutgoingMessage:
        if isinstance(answer, SpoiltAnswer):
            return spoilt_message(answer, job)
        return result_message(await self._sealed(answer, job), job)

    async def _sealed(self, result: WorkerResult, job: KnownJob) -> WorkerResult:
        try:
            data = await self._sealing.sealed(job.run_id, job.organization_id, result.data, job.encrypted_fields)
        except SealingFault as fault:
            return result.model_copy(update={"outcome": "failure", "data": {}, "error": str(fault)})
        return result if data is result.data else result.model_copy(update={"data": data})


def _checked(record: Record, answer: Answer | Unreadable, known: Mapping[str, KnownJob]) -> Answer | Unreadable:
    if isinstance(answer, Unreadable):
        return answer
    reason = mismatch(answer, known.get(answer.job_id))
    if reason is None:
        return answer
    return Unreadable(record, f"{answer.unreadable.reason}; {reason}" if isinstance(answer, SpoiltAnswer) else reason)


def _to_park(answer: Answer | Unreadable) -> Unreadable | None:
    if isinstance(answer, WorkerResult):
        return None
    return answer.unreadable if isinstance(answer, SpoiltAnswer) else answer


def _is_heartbeat(answer: Answer) -> bool:
    return isinstance(answer, WorkerResult) and answer.outcome == "heartbeat"
