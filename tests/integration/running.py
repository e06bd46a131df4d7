"""A service in this process, on the real broker and database, and a look at what it publishes."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import orjson
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from contracts.topics import Topic
from deploy.topics import new_topic
from shared.ids import new_id
from shared.kafka import Publisher
from shared.messages import OutgoingMessage
from shared.service import Service
from tests.infrastructure import Infrastructure
from tests.kafka import client_options

DEADLINE_SECONDS = 30.0


async def eventually(condition: Callable[[], Awaitable[Any]], seconds: float = DEADLINE_SECONDS) -> Any:
    """The condition's first true value; fails after the deadline."""
    deadline = asyncio.get_running_loop().time() + seconds
    while asyncio.get_running_loop().time() < deadline:
        found = await condition()
        if found:
            return found
        await asyncio.sleep(0.02)
    raise AssertionError(f"not within {seconds:g} s: {condition}")


async def fresh_topic(infrastructure: Infrastructure, writers: tuple[str, ...] = ("tests",)) -> Topic:
    """A topic that no other test knows, of four partitions."""
    fresh = Topic(new_id("test"), "key", writers, ("tests",), "One test's records", partitions=4)
    client = AIOKafkaAdminClient(**client_options(infrastructure.bootstrap_servers))
    await client.start()
    await client.create_topics([new_topic(fresh, infrastructure.settings)])
    await client.close()
    return fresh


@contextlib.asynccontextmanager
async def running(service: Service) -> AsyncIterator[Service]:
    async with service.app.router.lifespan_context(service.app):

        async def started() -> bool:
            return (await service._ready()).status_code == 200

        await eventually(started)
        yield service


def without_traces(service: Service) -> Service:
    """Drops the service's database when it has stopped."""

    async def drop() -> None:
        database = service.mongo.collection("any").database
        await database.client.drop_database(database.name)

    service.after.append(drop)
    return service


@contextlib.asynccontextmanager
async def publishing(publisher: Publisher) -> AsyncIterator[Publisher]:
    await publisher.start()
    try:
        yield publisher
    finally:
        await publisher.stop()


class Tap:
    """Reads a topic from where it ended when the tap was opened."""

    def __init__(self, consumer: Any) -> None:
        self._consumer = consumer
        self._documents: list[dict[str, Any]] = []

    async def find(self, wanted: Callable[[dict[str, Any]], bool], count: int = 1) -> list[dict[str, Any]]:
        """The first `count` documents that are wanted, waited for."""

        async def there() -> list[dict[str, Any]] | None:
            found = [document for document in await self.seen() if wanted(document)]
            return found if len(found) >= count else None

        found: list[dict[str, Any]] = await eventually(there)
        return found

    async def seen(self) -> list[dict[str, Any]]:
        """All that has come so far."""
        for records in (await self._consumer.getmany(timeout_ms=50)).values():
            self._documents += [orjson.loads(record.value) for record in records]
        return self._documents


@contextlib.asynccontextmanager
async def tap(bootstrap_servers: str, topic: Topic | str) -> AsyncIterator[Tap]:
    name = topic if isinstance(topic, str) else topic.name
    consumer = AIOKafkaConsumer(**client_options(bootstrap_servers), group_id=None, enable_auto_commit=False)
    await consumer.start()
    try:
        await consumer._client.force_metadata_update()
        partitions = await _partitions(consumer, name)
        consumer.assign(partitions)
        await consumer.seek_to_end(*partitions)
        for partition in partitions:
            await consumer.position(partition)
        yield Tap(consumer)
    finally:
        await consumer.stop()


async def _partitions(consumer: Any, topic: str) -> list[TopicPartition]:
    await consumer.topics()

    async def known() -> set[int] | None:
        await consumer._client.add_topic(topic)
        found: set[int] | None = consumer.partitions_for_topic(topic)
        return found

    return [TopicPartition(topic, number) for number in sorted(await eventually(known))]


def plain(topic: Topic, key: str, value: bytes) -> OutgoingMessage:
    return OutgoingMessage(topic.name, key, value, "plain")
