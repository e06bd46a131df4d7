"""How many runs are open, for operators: a gauge that is counted anew every quarter of a minute."""

import asyncio

from prometheus_client import Gauge

from services.analytics.store import OPEN, AnalyticsStore

COUNTED_EVERY_SECONDS = 15
OPEN_RUNS = Gauge(
    "hera_open_runs", "Open runs of all organisations; every replica of analytics gives the whole", ["status"]
)


class OpenRuns:
    def __init__(self, store: AnalyticsStore) -> None:
        self._store = store

    async def round(self) -> None:
        await self.count()
        await asyncio.sleep(COUNTED_EVERY_SECONDS)

    async def count(self) -> None:
        for status in OPEN:
            OPEN_RUNS.labels(status).set(await self._store.count(status))
