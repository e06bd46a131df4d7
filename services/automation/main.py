"""Puts the automation service together."""

from datetime import timedelta

from contracts.topics import AUTOMATION_JOBS, WORKER_RESULTS
from services.automation.attempts import Attempts, Claimed
from services.automation.calls import Caller, CallLimits
from services.automation.consumers import JobConsumer, ResultConsumer
from services.automation.leases import WorkerLeases
from services.automation.sealing import Sealing
from services.automation.settings import AutomationSettings
from services.automation.store import INDEXES, JOBS, JobStore
from shared.kafka import Parking
from shared.leased_work import LeasedWork
from shared.service import Service


def build(settings: AutomationSettings) -> Service:
    service = Service("automation", settings)
    service.indexes = INDEXES
    store = JobStore(
        service.mongo.collection(JOBS),
        timedelta(seconds=settings.automation_lease_margin_seconds),
        timedelta(days=settings.automation_kept_days),
    )
    sealing = Sealing(settings.run_engine_url, service.token)
    work = _work(service, settings, store, sealing)
    _read(service, settings, store, work, sealing)
    service.after.append(sealing.close)
    return service


def _work(service: Service, settings: AutomationSettings, store: JobStore, sealing: Sealing) -> LeasedWork[Claimed]:
    caller = Caller(_limits(settings), settings.automation_concurrency)
    attempts = Attempts(settings, store, service.publisher, caller, sealing)
    work = LeasedWork(
        attempts.claim, attempts.attempt, settings.automation_concurrency, settings.automation_idle_seconds
    )

    async def finish() -> None:
        await work.finish(settings.shutdown_seconds)

    service.before.append(caller.start)
    leases = WorkerLeases(store, service.publisher, settings.automation_idle_seconds)
    service.loops += [work.round, leases.round]
    service.after += [finish, caller.stop]
    return work


def _read(
    service: Service, settings: AutomationSettings, store: JobStore, work: LeasedWork[Claimed], sealing: Sealing
) -> None:
    jobs = Parking(service.publisher, AUTOMATION_JOBS, service.name)
    # What workers write is theirs; a copy would outlive it, and might hold what nobody has encrypted.
    results = Parking(service.publisher, WORKER_RESULTS, service.name, copies=settings.run_engine_url is None)
    job_consumer = JobConsumer(store, jobs, _limits(settings), settings.automation_worker_lease_seconds, work.wake)
    result_consumer = ResultConsumer(store, service.publisher, results, sealing, settings.automation_max_result_bytes)
    for topic, handle, parking in (
        (AUTOMATION_JOBS, job_consumer.handle, jobs),
        (WORKER_RESULTS, result_consumer.handle, results),
    ):
        service.consumers.add(topic, service.group(topic.name), handle, parking.set_aside, patience=5)


def _limits(settings: AutomationSettings) -> CallLimits:
    return CallLimits(
        settings.automation_base_urls,
        settings.automation_allowed_hosts,
        settings.automation_allowed_networks,
        settings.automation_max_result_bytes,
    )
