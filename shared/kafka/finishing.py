"""What is left to do for a batch once its effects are written: done in order, while the next batch is handled."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

Finish = Callable[[], Awaitable[None]]


class Finishing:
    """A short line of batches that only have to be published and committed. Whoever adds to a full line waits."""

    def __init__(self, length: int) -> None:
        self._line: asyncio.Queue[Finish] = asyncio.Queue(length)
        self._worker: asyncio.Task[None] | None = None

    async def add(self, finish: Finish) -> None:
        if self._worker is None:
            self._worker = asyncio.create_task(self._work())
        await self._line.put(finish)

    async def done(self) -> None:
        """Returns when nothing is left in the line."""
        await self._line.join()

    async def stop(self) -> None:
        """Drops what is left: it was not committed and comes again."""
        if self._worker is not None:
            self._worker.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._worker
            self._worker = None

    async def _work(self) -> None:
        while True:
            finish = await self._line.get()
            try:
                await finish()
            finally:
                self._line.task_done()
