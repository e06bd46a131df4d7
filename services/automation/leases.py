"""Workers that fell silent: their jobs are given back to the engine, which offers them again as the next attempt."""

import asyncio

import structlog

from services.automation.attempts import ATTEMPTS
from services.automation.results import lease_lost_message
from services.automation.store import JobStore
from shared.clock import now
from shared.kafka import INFRASTRUCTURE, Publisher

_AT_ONCE = 200
log = structlog.get_logger()


class WorkerLeases:
    def __init__(self, store: JobStore, publisher: Publisher, idle_seconds: float) -> None:
        self._store = store
        self._publisher = publisher
        self._idle_seconds = idle_seconds

    async def round(self) -> None:
        """One round of the service's loop: everything that has run out is given back, then a while passes."""
        while await self.give_back() == _AT_ONCE:
            pass
        await asyncio.sleep(self._idle_seconds)

    async def give_back(self) -> int:
        """How many were; published before they are marked, and again with the same id after a crash in between."""
        at = now()
        silent = await self._store.silent(at, _AT_ONCE)
        if not silent:
            return 0
        try:
            await self._publisher.publish([lease_lost_message(job_id, known, at) for job_id, known in silent.items()])
        except INFRASTRUCTURE as error:
            log.warning("publishing_waits", error=repr(error))
            return 0
        await self._store.lost(silent, at)
        for job_id, known in silent.items():
            ATTEMPTS.labels("worker", "lease_lost").inc()
            log.info("lease_lost", job_id=job_id, run_id=known.run_id, organization_id=known.organization_id)
        return len(silent)
