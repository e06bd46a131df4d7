"""Settings of topics on the real broker: an upgrade corrects what is unsafe and leaves the rest."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import MessageSizeTooLargeError

from contracts.topics import RUN_EVENTS, SIGNALS, TOPICS, Topic
from deploy.topic_settings import _own_settings, update_settings
from deploy.topics import new_topic
from shared.ids import new_id
from shared.messages import MAX_MESSAGE_BYTES
from tests.infrastructure import Infrastructure
from tests.integration.running import eventually
from tests.record_batches import batch, bomb, send


@pytest_asyncio.fixture
async def client(infrastructure: Infrastructure) -> AsyncIterator[AIOKafkaAdminClient]:
    client = AIOKafkaAdminClient(bootstrap_servers=infrastructure.bootstrap_servers)
    await client.start()
    yield client
    await client.close()


def public_topic() -> Topic:
    return Topic(new_id("test"), "key", ("tests",), ("tests",), "One test's records", partitions=1, public=True)


async def settings_of(client: AIOKafkaAdminClient, topic: Topic) -> dict[str, str]:
    async def there() -> dict[str, str]:
        return (await _own_settings(client, [topic.name]))[topic.name]

    found: dict[str, str] = await eventually(there)
    return found


async def test_the_broker_decompresses_public_topics_and_those_alone(client: AIOKafkaAdminClient) -> None:
    for topic in TOPICS:
        expected = "uncompressed" if topic.public else None
        assert (await settings_of(client, topic)).get("compression.type") == expected, topic.name
    assert SIGNALS.public and not RUN_EVENTS.public


async def test_a_topic_of_an_earlier_version_is_corrected_and_keeps_its_own_settings(
    client: AIOKafkaAdminClient,
) -> None:
    topic = public_topic()
    own = {"retention.ms": "123456789", "segment.bytes": "1048576"}
    await client.create_topics([NewTopic(topic.name, 1, 1, topic_configs=own)])
    assert await settings_of(client, topic) == own
    assert await update_settings(client, [topic]) == [topic.name]

    async def corrected() -> bool:
        return await settings_of(client, topic) == own | {"compression.type": "uncompressed"}

    await eventually(corrected)
    assert await update_settings(client, [topic]) == []


@pytest.mark.parametrize("codec", ["gzip", "snappy", "lz4", "zstd"])
async def test_the_broker_refuses_a_batch_that_is_too_large_once_it_is_decompressed(
    client: AIOKafkaAdminClient, infrastructure: Infrastructure, codec: str
) -> None:
    topic = public_topic()
    await client.create_topics([new_topic(topic, infrastructure.settings)])
    async with AIOKafkaProducer(
        bootstrap_servers=infrastructure.bootstrap_servers, compression_type=codec, max_request_size=1 << 30
    ) as producer:
        with pytest.raises(MessageSizeTooLargeError):
            await producer.send_and_wait(topic.name, b"0" * (MAX_MESSAGE_BYTES + 1))
        await producer.send_and_wait(topic.name, b"0" * (MAX_MESSAGE_BYTES // 2))


async def test_the_broker_outlives_a_batch_that_becomes_more_than_its_memory(
    client: AIOKafkaAdminClient, infrastructure: Infrastructure
) -> None:
    topic = public_topic()
    await client.create_topics([new_topic(topic, infrastructure.settings)])
    servers = infrastructure.bootstrap_servers

    async def takes_a_record() -> bool:
        return await send(servers, topic.name, 0, batch([b"small"])) == 0

    await eventually(takes_a_record)
    assert await send(servers, topic.name, 0, bomb(500 * 1024 * 1024)) != 0
    assert await takes_a_record()
