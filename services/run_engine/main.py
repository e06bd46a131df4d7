"""Puts the engine together."""

from contracts import topics
from services.run_engine import queries, run_list, store, task_queries
from services.run_engine.ingress import SignalIngress
from services.run_engine.loop import CommandLoop
from services.run_engine.reads import RunReads
from services.run_engine.settings import Settings
from services.run_engine.store import RunStore
from services.run_engine.timers import TimerScanner
from services.run_engine.upgrade import upgrade
from shared.kafka import Consumption, Parking
from shared.service import Service

NAME = "run_engine"


def build(settings: Settings) -> Service:
    service = Service(NAME, settings)
    runs = RunStore(service.mongo, settings.run_cache_size)
    parking = Parking(service.publisher, topics.RUN_COMMANDS, NAME)
    loop = CommandLoop(runs, service.publisher, parking, lambda: _offsets(commands))
    commands = service.consumers.add(
        topics.RUN_COMMANDS,
        service.group(topics.RUN_COMMANDS.name),
        loop.handle,
        loop.set_aside,
        on_assignment=runs.forget_all,
    )
    ingress = SignalIngress(service.publisher, settings.signal_permissions)
    service.consumers.add(
        topics.SIGNALS, service.group(topics.SIGNALS.name), ingress.handle, ingress.set_aside, patience=2
    )
    timers = TimerScanner(runs, service.publisher, lambda: commands.partitions, settings.timer_scan_seconds)
    service.loops.append(timers.scan)
    service.indexes = {**store.INDEXES, "runs": [*store.INDEXES["runs"], *run_list.INDEXES]}
    service.before.append(lambda: upgrade(service.mongo, runs.tasks))
    reads = RunReads(service.mongo)
    service.app.include_router(queries.router(reads, runs))
    service.app.include_router(task_queries.router(reads, runs))
    return service


def _offsets(consumption: Consumption) -> dict[int, int]:
    return {tp.partition: offset for tp, offset in consumption.committed.items()}
