"""`python -m services.timeline.rebuild [--replace]`: the timeline made anew from its log, and compared."""

import sys
from collections.abc import Mapping

from contracts.topics import RUN_EVENTS, Topic
from services.timeline.arrivals import Arrivals
from services.timeline.consumers import EventConsumer
from services.timeline.settings import Settings
from services.timeline.store import EventStore
from shared.kafka import Pace
from shared.kafka.consumers import Handle
from shared.mongo import Mongo
from shared.rebuild import Passed, Projection
from shared.rebuild_command import main
from shared.settings import load_settings


def _readers(mongo: Mongo) -> Mapping[Topic, Handle]:
    return {RUN_EVENTS: EventConsumer(EventStore(mongo), Arrivals(), Passed(), Pace(0)).handle}


TIMELINE = Projection("timeline", {"events": lambda document: document.get("event")}, {}, _readers)

if __name__ == "__main__":
    sys.exit(main(TIMELINE, load_settings(Settings)))
