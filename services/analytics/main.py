"""Puts analytics together."""

from contracts.topics import PLAYBOOK_EVENTS, REGISTRY_COMMANDS, RUN_COMMANDS, RUN_EVENTS
from services.analytics import store
from services.analytics.barrier import Barrier
from services.analytics.consumers import PlaybookConsumer, RunConsumer
from services.analytics.open_runs import OpenRuns
from services.analytics.positions import Positions
from services.analytics.queries import router
from services.analytics.settings import Settings
from services.analytics.store import AnalyticsStore
from services.analytics.summaries import Summaries
from shared.kafka import GroupProgress, Pace, Parking
from shared.service import Service

NAME = "analytics"


def build(settings: Settings) -> Service:
    service = Service(NAME, settings)
    stored, positions = AnalyticsStore(service.mongo), Positions(service.mongo)
    summaries = Summaries(service.mongo, settings.summary_cache_size)
    pace = Pace(settings.analytics_pace_seconds)
    runs_parking = Parking(service.publisher, RUN_EVENTS, NAME)
    playbooks_parking = Parking(service.publisher, PLAYBOOK_EVENTS, NAME)

    def forget() -> None:
        summaries.forget_all()
        positions.forget(RUN_EVENTS.name)

    runs = service.consumers.add(
        RUN_EVENTS,
        RUN_EVENTS.group(service.name),
        RunConsumer(summaries, positions, runs_parking, pace).handle,
        runs_parking.set_aside,
        on_assignment=forget,
    )
    playbooks = service.consumers.add(
        PLAYBOOK_EVENTS,
        PLAYBOOK_EVENTS.group(service.name),
        PlaybookConsumer(stored, positions, playbooks_parking).handle,
        playbooks_parking.set_aside,
        on_assignment=lambda: positions.forget(PLAYBOOK_EVENTS.name),
    )
    service.indexes = store.INDEXES
    service.loops.append(OpenRuns(stored).round)
    sources = [
        GroupProgress(settings, topic, topic.group(reader))
        for topic in (RUN_COMMANDS, REGISTRY_COMMANDS)
        for reader in topic.readers
    ]
    service.after += [source.stop for source in sources]
    barrier = Barrier((runs, playbooks), sources, positions, pace, settings)
    service.app.include_router(router(stored, barrier))
    return service
