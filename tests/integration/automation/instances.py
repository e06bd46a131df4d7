"""More instances of the service at the same broker, on jobs of their own."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

from services.automation.attempts import Attempts, Claimed
from services.automation.calls import Caller, CallLimits
from services.automation.sealing import Sealing
from services.automation.store import JobStore, StoredJob
from shared.leased_work import LeasedWork
from tests.infrastructure import TOKEN
from tests.integration.automation.conftest import Bench, job


def stored(organization: str = "org_lease", timeout_seconds: float = 5) -> StoredJob:
    return StoredJob(job("/x", organization, timeout_seconds=timeout_seconds), "http", "req_1", "cause_1", None)


def store_of(bench: Bench, name: str) -> JobStore:
    return JobStore(bench.service.mongo.collection(name), timedelta(seconds=30), timedelta(days=8))


class NothingRead:
    """By an instance that reads no topic: its jobs come from none."""

    async def followed(self) -> list[int]:
        return []

    async def has_read(self, partition: int, within_seconds: float) -> bool:
        raise AssertionError(f"partition {partition} is not read here, nor within {within_seconds} s")


@contextlib.asynccontextmanager
async def at_work(bench: Bench, store: JobStore, limits: CallLimits | None = None, **over: Any) -> AsyncIterator[None]:
    """One more instance that reads no topic, with these settings over the bench's."""
    settings = bench.settings.model_copy(update=over)
    caller = Caller(limits or CallLimits(settings.automation_base_urls, {}, {}, 2048), connections=32)
    await caller.start()
    attempts = Attempts(settings, store, bench.publisher, caller, Sealing(None, TOKEN), NothingRead())
    work = LeasedWork(attempts.claim, attempts.attempt, limit=32, idle_seconds=0.05)
    loop = asyncio.create_task(_for_ever(work))
    yield
    loop.cancel()
    await asyncio.gather(loop, return_exceptions=True)
    await work.finish(0.05)
    await caller.stop()


async def _for_ever(work: LeasedWork[Claimed]) -> None:
    while True:
        await work.round()
