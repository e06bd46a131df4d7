"""A consumer group of a test's own on the real broker, and what its handler saw."""

import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

from contracts.topics import Topic
from shared.kafka import Batch, Consumers, Consumption
from shared.messages import Record
from shared.settings import ServiceSettings
from tests.integration.running import eventually

Handle = Callable[[Batch], Any]


class Reading:
    """A consumer group of this test's own, and what its handler saw."""

    def __init__(
        self,
        settings: ServiceSettings,
        topic: Topic,
        group: str,
        handle: Handle | None = None,
        consumers: Consumers | None = None,
    ) -> None:
        self.begun: list[Record] = []
        self.seen: list[bytes] = []
        self.aside: list[tuple[bytes | None, str]] = []
        self.consumers = consumers or Consumers(settings, "test")
        self._handle = handle
        self.consumption: Consumption = self.consumers.add(topic, group, self._take, self._set_aside)

    async def _take(self, batch: Batch) -> None:
        self.begun += batch
        if self._handle is not None:
            await self._handle(batch)
        self.seen += [record.value or b"" for record in batch]

    async def _set_aside(self, record: Record, error: Exception) -> None:
        self.aside.append((record.value, str(error)))

    async def until(self, count: int) -> None:
        async def enough() -> bool:
            return len(self.seen) >= count

        await eventually(enough)

    async def until_seen(self, value: bytes) -> None:
        async def there() -> bool:
            return value in self.seen

        await eventually(there)


@contextlib.asynccontextmanager
async def started(reading: Reading) -> AsyncIterator[Reading]:
    await reading.consumers.start()
    try:
        yield reading
    finally:
        await reading.consumers.stop()
