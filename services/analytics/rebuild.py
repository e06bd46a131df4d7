"""`python -m services.analytics.rebuild [--replace]`: the summaries made anew from their logs, and compared."""

import sys
from collections.abc import Mapping

from contracts.topics import PLAYBOOK_EVENTS, RUN_EVENTS, Topic
from services.analytics import store
from services.analytics.consumers import PlaybookConsumer, RunConsumer
from services.analytics.settings import Settings
from services.analytics.store import AnalyticsStore
from services.analytics.summaries import Summaries
from shared.kafka import Batch, Pace
from shared.kafka.consumers import Handle
from shared.mongo import Document, Mongo
from shared.rebuild import Passed, Projection
from shared.rebuild_command import main
from shared.settings import load_settings

_CACHE = 10_000


class NotRecorded:
    """How far the service has come is its own affair: a rebuild says nothing of it."""

    async def record(self, records: Batch) -> None:
        """Nothing."""


def _readers(mongo: Mongo) -> Mapping[Topic, Handle]:
    positions, passed = NotRecorded(), Passed()
    return {
        RUN_EVENTS: RunConsumer(Summaries(mongo, _CACHE), positions, passed, Pace(0)).handle,
        PLAYBOOK_EVENTS: PlaybookConsumer(AnalyticsStore(mongo), positions, passed).handle,
    }


def _without_its_writes(document: Document) -> Document:
    return {name: value for name, value in document.items() if name != "written"}


ANALYTICS = Projection(
    "analytics", {"runs": _without_its_writes, "playbooks": _without_its_writes}, store.INDEXES, _readers
)

if __name__ == "__main__":
    sys.exit(main(ANALYTICS, load_settings(Settings)))
