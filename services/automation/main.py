"""Puts the automation service together."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

from contracts.topics import AUTOMATION_JOBS, WORKER_RESULTS, Topic
from services.automation.attempts import Attempts, Claimed
from services.automation.calls import Caller, CallLimits
from services.automation.consumers import JobConsumer, ResultConsumer
from services.automation.leases import WorkerLeases
from services.automation.sealing import Sealing
from services.automation.settings import AutomationSettings
from services.automation.store import INDEXES, JOBS, JobStore
from shared.kafka import Batch, Consumption, Parking
from shared.leased_work import LeasedWork
from shared.service import Service


def build(settings: AutomationSettings) -> Service:
    service = Service("automation", settings)
    service.indexes, service.retired_indexes = INDEXES, {JOBS: ["due_by_lane"]}
    store = JobStore(
        service.mongo.collection(JOBS),
        timedelta(seconds=settings.automation_lease_margin_seconds),
        timedelta(days=settings.automation_kept_days),
    )
    sealing = Sealing(settings.run_engine_url, service.token, settings.verification)

    def stored() -> None:
        work.wake()

    jobs = _read_jobs(service, settings, store, stored)
    _read_results(service, settings, store, sealing)
    work = _work(service, settings, store, sealing, jobs)
    service.after.append(sealing.close)
    return service


def _work(
    service: Service, settings: AutomationSettings, store: JobStore, sealing: Sealing, jobs: Consumption
) -> LeasedWork[Claimed]:
    caller = Caller(_limits(settings), settings.automation_concurrency)
    attempts = Attempts(settings, store, service.publisher, caller, sealing, jobs.following)
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


def _read_jobs(
    service: Service, settings: AutomationSettings, store: JobStore, stored: Callable[[], None]
) -> Consumption:
    parking = Parking(service.publisher, AUTOMATION_JOBS, service.name)
    consumer = JobConsumer(store, parking, _limits(settings), settings.automation_worker_lease_seconds, stored)
    return _read(service, AUTOMATION_JOBS, consumer.handle, parking)


def _read_results(service: Service, settings: AutomationSettings, store: JobStore, sealing: Sealing) -> None:
    # What workers write is theirs; a copy would outlive it, and might hold what nobody has encrypted.
    parking = Parking(service.publisher, WORKER_RESULTS, service.name, copies=settings.run_engine_url is None)
    consumer = ResultConsumer(store, service.publisher, parking, sealing, settings.automation_max_result_bytes)
    _read(service, WORKER_RESULTS, consumer.handle, parking)


def _read(service: Service, topic: Topic, handle: Callable[[Batch], Awaitable[None]], parking: Parking) -> Consumption:
    return service.consumers.add(topic, topic.group(service.name), handle, parking.set_aside)


def _limits(settings: AutomationSettings) -> CallLimits:
    return CallLimits(
        settings.automation_base_urls,
        settings.automation_allowed_hosts,
        settings.automation_allowed_networks,
        settings.automation_max_result_bytes,
    )
