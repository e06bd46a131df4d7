"""Puts the engine together."""

from datetime import timedelta

from contracts import topics
from services.run_engine import organization_queries, organizations, queries, run_list, store, task_queries
from services.run_engine.access_log import queries as access_queries
from services.run_engine.access_log import store as access_store
from services.run_engine.access_log.store import AccessLog
from services.run_engine.bulk import queries as bulk_queries
from services.run_engine.bulk import store as bulk_store
from services.run_engine.bulk.ingress import BulkIngress
from services.run_engine.bulk.store import BulkStore
from services.run_engine.bulk.worker import BulkWorker
from services.run_engine.calendar_uses import CalendarUses
from services.run_engine.ingress import SignalIngress
from services.run_engine.loop import CommandLoop
from services.run_engine.organizations import DocumentConsumer, OrganizationReads, OrganizationStore
from services.run_engine.reads import RunReads
from services.run_engine.refused_signals import RefusedSignals
from services.run_engine.sealing import queries as sealing_queries
from services.run_engine.sealing import secret_queries
from services.run_engine.sealing import secrets as secret_store
from services.run_engine.sealing import store as sealing_store
from services.run_engine.sealing.commands import Sealing
from services.run_engine.sealing.erasures import Erasures
from services.run_engine.sealing.fields import EncryptedFields
from services.run_engine.sealing.legible import Legible
from services.run_engine.sealing.repeats import Repeats
from services.run_engine.sealing.sealer import Sealer
from services.run_engine.sealing.secrets import SecretStore
from services.run_engine.sealing.signals import BulkSealing, SealedSignals
from services.run_engine.sealing.store import KeyStore
from services.run_engine.settings import Settings, keyring
from services.run_engine.signal_sources import SignalSources
from services.run_engine.store import RunStore
from services.run_engine.timers import InFlight, TimerScanner
from services.run_engine.trials import Trials
from services.run_engine.upgrade import upgrade
from shared.kafka import Consumption, Parking
from shared.leased_work import LeasedWork
from shared.service import Service

NAME = "run_engine"
BULK_AT_ONCE = 4
BULK_IDLE_SECONDS = 2.0


def build(settings: Settings) -> Service:
    service = Service(NAME, settings)
    runs = RunStore(service.mongo, settings.run_cache_size)
    parking = Parking(service.publisher, topics.RUN_COMMANDS, NAME)
    in_force = OrganizationStore(service.mongo)
    in_flight = InFlight()
    keys = KeyStore(service.mongo, keyring(settings))
    sealer, fields = Sealer(keys), EncryptedFields(service.mongo, runs)
    sealing = Sealing(sealer, keys)
    loop = CommandLoop(
        runs, in_force, service.publisher, parking, lambda: _offsets(commands), sealing, in_flight.answered
    )
    commands = service.consumers.add(
        topics.RUN_COMMANDS,
        topics.RUN_COMMANDS.group(service.name),
        loop.handle,
        loop.set_aside,
        on_assignment=runs.forget_all,
    )
    signals = SealedSignals(sealer, fields)
    refused = RefusedSignals(copies=not keys.are_configured)
    sources = SignalSources(settings.signal_sources, settings.signal_permissions)
    ingress = SignalIngress(service.publisher, sources, signals, refused)
    for topic in map(topics.signal_topic, sources.topics):
        service.consumers.add(topic, topic.group(service.name), ingress.handle, ingress.set_aside)
    timers = TimerScanner(runs, service.publisher, lambda: commands.partitions, in_flight, settings.timer_scan_seconds)
    service.loops.append(timers.scan)
    service.indexes = {
        **store.INDEXES,
        **bulk_store.INDEXES,
        **organizations.INDEXES,
        **sealing_store.INDEXES,
        **access_store.INDEXES,
        **secret_store.INDEXES,
        "runs": [*store.INDEXES["runs"], *run_list.INDEXES],
    }
    service.retired_indexes = {"runs": ["tasks_of_a_person", "tasks_of_a_role"], "keys": ["of_owner"]}
    service.before.append(lambda: upgrade(service.mongo, runs.tasks))
    service.before.append(keys.rewrap)
    access_log = AccessLog(service.mongo, timedelta(days=settings.access_log_days))
    reads, legible, erasures = RunReads(service.mongo), Legible(sealer, access_log), Erasures(keys, service.publisher)
    service.loops.append(erasures.round)
    _add_bulk(service, reads, BulkSealing(signals, sealer, keys))
    repeats = Repeats(service.mongo, sealer)
    service.app.include_router(sealing_queries.router(sealer, keys, fields, legible, erasures, access_log, repeats))
    secrets = SecretStore(service.mongo, sealer, keys)
    service.app.include_router(secret_queries.router(secrets, access_log, repeats))
    service.app.include_router(access_queries.router(access_log, reads))
    _add_organizations(service, in_force, runs, reads, settings)
    service.app.include_router(queries.router(reads, runs, in_force, legible))
    service.app.include_router(task_queries.router(reads, runs, in_force, legible))
    return service


def _add_bulk(service: Service, reads: RunReads, sealing: BulkSealing) -> None:
    bulk = BulkStore(service.mongo)
    worker = BulkWorker(bulk, service.publisher, sealing)
    work = LeasedWork(bulk.claim, worker.carry_out, BULK_AT_ONCE, BULK_IDLE_SECONDS)
    parking = Parking(service.publisher, topics.BULK_COMMANDS, NAME)
    ingress = BulkIngress(bulk, service.publisher, parking, work.wake, sealing)
    topic = topics.BULK_COMMANDS
    service.consumers.add(topic, topic.group(service.name), ingress.handle, ingress.set_aside)
    service.loops.append(work.round)
    service.after.append(lambda: work.finish(0))
    service.app.include_router(bulk_queries.router(bulk, reads))


def _add_organizations(
    service: Service, in_force: OrganizationStore, store: RunStore, runs: RunReads, settings: Settings
) -> None:
    topic = topics.POLICY_EVENTS
    documents = DocumentConsumer(in_force, Parking(service.publisher, topic, NAME))
    service.consumers.add(topic, topic.group(service.name), documents.handle, documents.set_aside)
    reads = OrganizationReads(in_force, settings.document_wait_seconds, settings.document_poll_seconds)
    service.app.include_router(
        organization_queries.router(reads, Trials(runs, store, in_force), CalendarUses(runs, store))
    )


def _offsets(consumption: Consumption) -> dict[int, int]:
    return {tp.partition: offset for tp, offset in consumption.committed.items()}
