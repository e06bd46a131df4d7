"""Work that is stored first and done after: what can be claimed is claimed, and done, several at a time."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

import structlog

log = structlog.get_logger()
T = TypeVar("T")


class LeasedWork(Generic[T]):
    """Claims work while there is room and does it in tasks of its own.

    `claim` takes one piece under a lease that outlives its work, or says None where nothing is due. Whoever stores new
    work calls `wake`; without that, the next look is after `idle_seconds`.
    """

    def __init__(
        self,
        claim: Callable[[], Awaitable[T | None]],
        work: Callable[[T], Awaitable[None]],
        limit: int,
        idle_seconds: float,
    ) -> None:
        self._claim = claim
        self._work = work
        self._room = asyncio.Semaphore(limit)
        self._idle_seconds = idle_seconds
        self._news = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    def wake(self) -> None:
        self._news.set()

    async def round(self) -> None:
        """One round of the service's loop: everything that is due is begun, then the next news is awaited."""
        self._news.clear()
        while await self._begin_one():
            pass
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._idle_seconds):  # wait_for may swallow a stop that comes with the news
                await self._news.wait()

    async def finish(self, seconds: float) -> None:
        """Waits so long for what is in hand, then stops it; the lease brings it to somebody else."""
        if not self._tasks:
            return
        _, unfinished = await asyncio.wait(self._tasks, timeout=seconds)
        for task in unfinished:
            task.cancel()
        await asyncio.gather(*unfinished, return_exceptions=True)

    async def _begin_one(self) -> bool:
        await self._room.acquire()
        try:
            item = await self._claim()
        except BaseException:
            self._room.release()
            raise
        if item is None:
            self._room.release()
            return False
        task = asyncio.create_task(self._do(item))
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return True

    async def _do(self, item: T) -> None:
        try:
            await self._work(item)
        except Exception:
            log.exception("leased_work_failed")  # its lease runs out, and it is tried again

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._room.release()
        self._news.set()
