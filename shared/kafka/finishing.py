"""What is left to do for a batch once its effects are written: done in order, while the next batch is handled."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable

Finish = Callable[[], Awaitable[None]]


class Finishing:
    """A short line of batches that only have to be published and committed. Whoever adds to a full line waits."""

    def __init__(self, length: int) -> None:
        self._length = length
        self._line: deque[Finish] = deque()
        self._changed = asyncio.Condition()
        self._worker: asyncio.Task[None] | None = None
        self._closed = False

    async def add(self, finish: Finish) -> None:
        """`finish` must not raise: one that does ends the line, and liveness has to notice that nothing moves on."""
        if self._worker is None and not self._closed:
            self._worker = asyncio.create_task(self._work())
        async with self._changed:
            await self._changed.wait_for(lambda: self._closed or len(self._line) < self._length)
            if not self._closed:
                self._line.append(finish)
                self._changed.notify_all()

    async def done(self) -> None:
        """Returns when nothing is left in the line."""
        async with self._changed:
            await self._changed.wait_for(lambda: not self._line)

    async def stop(self) -> None:
        """Drops what is left, and what is still added: it was not committed and comes again."""
        self._closed = True
        if self._worker is not None:
            self._worker.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._worker
        async with self._changed:
            self._line.clear()
            self._changed.notify_all()

    async def _work(self) -> None:
        while True:
            async with self._changed:
                await self._changed.wait_for(lambda: bool(self._line))
            await self._line[0]()
            async with self._changed:
                self._line.popleft()
                self._changed.notify_all()
