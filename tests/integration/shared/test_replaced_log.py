"""A topic whose log was replaced under a running reader, on the real broker."""

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from contracts.topics import Topic
from deploy.topics import new_topic
from shared.kafka import GroupProgress
from shared.metrics import POSITIONS_RESET
from shared.settings import ServiceSettings
from tests.infrastructure import Infrastructure
from tests.integration.running import eventually, fresh_topic
from tests.integration.shared.reading import Reading, started
from tests.kafka import client_options

PARTITION = 3


@pytest.fixture
def settings(infrastructure: Infrastructure) -> ServiceSettings:
    return ServiceSettings.model_validate({name.lower(): value for name, value in infrastructure.settings.items()})


async def write(settings: ServiceSettings, topic: Topic, *values: bytes) -> None:
    async with AIOKafkaProducer(**client_options(settings.kafka_bootstrap_servers)) as producer:
        for value in values:
            await producer.send_and_wait(topic.name, value, partition=PARTITION)


async def replace_log(infrastructure: Infrastructure, topic: Topic) -> None:
    client = AIOKafkaAdminClient(**client_options(infrastructure.bootstrap_servers))
    await client.start()
    try:
        await client.delete_topics([topic.name])

        async def is_created() -> bool:
            response = await client.create_topics([new_topic(topic, infrastructure.settings)])
            ((_, code, *_),) = response.topic_errors
            if code and for_code(code) is not TopicAlreadyExistsError:
                raise KafkaError(str(code))
            return bool(code == 0)

        await eventually(is_created)
    finally:
        await client.close()


async def test_a_reader_gets_all_of_a_log_that_takes_the_place_of_the_one_it_reads(
    settings: ServiceSettings, infrastructure: Infrastructure
) -> None:
    """While there was no topic, the group was joined without partitions."""
    topic = await fresh_topic(infrastructure)
    partition = TopicPartition(topic.name, PARTITION)
    old, new = [f"old {n}".encode() for n in range(30)], [f"new {n}".encode() for n in range(5)]
    await write(settings, topic, *old)
    async with started(Reading(settings, topic, f"{topic.name}.group")) as reading:
        await reading.until(len(old))
        await replace_log(infrastructure, topic)
        await write(settings, topic, *new)
        await reading.until(len(old) + len(new))
        assert reading.seen == old + new

        async def is_committed() -> bool:
            return reading.consumption.committed.get(partition) == len(new)

        await eventually(is_committed)
        assert set((await reading.consumption.lag()).values()) == {0}
    progress = GroupProgress(settings, topic, f"{topic.name}.group")
    assert await progress.has_committed({partition: len(new)})
    assert not await progress.has_committed({partition: len(new) + 1})
    await progress.stop()


async def test_a_position_beyond_the_end_is_reported_and_corrected(
    settings: ServiceSettings, infrastructure: Infrastructure
) -> None:
    """An idle reader corrects it as well: nothing has to be written first."""
    topic = await fresh_topic(infrastructure)
    partition = TopicPartition(topic.name, PARTITION)
    group = f"{topic.name}.group"
    resets = POSITIONS_RESET.labels(topic.name)
    await write(settings, topic, b"first")
    async with AIOKafkaConsumer(
        **client_options(settings.kafka_bootstrap_servers), group_id=group, enable_auto_commit=False
    ) as restored:
        restored.assign([partition])
        await restored.commit({partition: 1000})
    async with started(Reading(settings, topic, group)) as reading:
        await reading.until(1)
        assert resets._value.get() == 1

        async def is_corrected() -> bool:
            return reading.consumption.committed.get(partition) == 1

        await eventually(is_corrected)
