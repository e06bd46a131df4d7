"""Letting batches grow: fewer, larger writes where nobody waits for them."""

import asyncio
import contextlib
from collections.abc import Iterator


class Pace:
    """The shortest time from one batch to the next, of a consumer whose work costs by the batch.

    A record that finds the consumer idle is taken at once; those that come within `seconds` of it wait for each other.
    Whoever needs what they bring says so, and nobody waits any more.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._hurry = asyncio.Event()
        self._hurried = 0

    @contextlib.contextmanager
    def hurry(self) -> Iterator[None]:
        """As long as it lasts, batches follow each other at once."""
        self._hurried += 1
        self._hurry.set()
        try:
            yield
        finally:
            self._hurried -= 1
            if not self._hurried:
                self._hurry.clear()

    async def rest(self, began: float, records: int) -> None:
        """Returns when the batch that began then (by the loop's clock) is `seconds` old, or when somebody hurries.

        A single record does not make anybody wait: it came alone, or is tried alone because its batch failed.
        """
        if records == 1:
            return
        left = began + self._seconds - asyncio.get_running_loop().time()
        if left > 0:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await self._hurry.wait()
