"""Puts the timeline together."""

from contracts.topics import RUN_EVENTS
from services.timeline.arrivals import Arrivals
from services.timeline.consumers import EventConsumer
from services.timeline.queries import TimelineReads, router
from services.timeline.settings import Settings
from services.timeline.store import EventStore
from shared.kafka import Pace, Parking
from shared.service import Service

NAME = "timeline"


def build(settings: Settings) -> Service:
    service = Service(NAME, settings)
    events, arrivals, pace = EventStore(service.mongo), Arrivals(), Pace(settings.timeline_pace_seconds)
    parking = Parking(service.publisher, RUN_EVENTS, NAME)
    consumer = EventConsumer(events, arrivals, parking, pace)
    service.consumers.add(RUN_EVENTS, RUN_EVENTS.group(service.name), consumer.handle, parking.set_aside)
    service.app.include_router(router(TimelineReads(events, arrivals, pace, settings)))
    return service
