"""Records of other producers on the real broker: compressed ones are read, unreadable ones set aside, none stops it."""

import pytest
import pytest_asyncio
from aiokafka import AIOKafkaProducer, TopicPartition

from contracts.topics import Topic
from shared.kafka import Batch, Replay
from shared.kafka.record_batches import DECODED_BYTES
from shared.settings import ServiceSettings
from tests.infrastructure import Infrastructure
from tests.integration.running import eventually, fresh_topic
from tests.integration.shared.reading import Reading, started
from tests.kafka import client_options
from tests.record_batches import CODECS, GZIP, batch, send, with_unreadable_header

PARTITION = 1


@pytest.fixture
def settings(infrastructure: Infrastructure) -> ServiceSettings:
    return ServiceSettings.model_validate({name.lower(): value for name, value in infrastructure.settings.items()})


@pytest_asyncio.fixture
async def topic(infrastructure: Infrastructure) -> Topic:
    return await fresh_topic(infrastructure)


async def write(settings: ServiceSettings, topic: Topic, *values: bytes, compression: str | None = None) -> None:
    servers = settings.kafka_bootstrap_servers
    async with AIOKafkaProducer(**client_options(servers), compression_type=compression) as producer:
        for value in values:
            await producer.send_and_wait(topic.name, value, partition=PARTITION)


async def write_batch(settings: ServiceSettings, topic: Topic, built: bytes) -> None:
    async def taken() -> bool:
        """A topic's leader needs a moment to know that it is."""
        return await send(settings.kafka_bootstrap_servers, topic.name, PARTITION, built) == 0

    await eventually(taken)


@pytest.mark.parametrize("codec", CODECS)
async def test_a_compressed_record_is_read(settings: ServiceSettings, topic: Topic, codec: str) -> None:
    await write(settings, topic, b"a" * 500, compression=codec)
    await write(settings, topic, b"b")
    async with started(Reading(settings, topic, f"{topic.name}.group")) as reading:
        await reading.until(2)
        assert (reading.seen, reading.aside) == ([b"a" * 500, b"b"], [])


BAD = {
    "a bomb": batch([b"0" * (DECODED_BYTES + 1)] * 3, codec=GZIP),
    "a header's name that is not UTF-8": with_unreadable_header(b"odd"),
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
async def test_a_batch_that_cant_be_read_is_set_aside_and_stops_nothing(
    settings: ServiceSettings, topic: Topic, bad: bytes
) -> None:
    await write(settings, topic, b"before")
    await write_batch(settings, topic, bad)
    await write(settings, topic, b"behind")
    async with started(Reading(settings, topic, f"{topic.name}.group")) as reading:
        await reading.until_seen(b"behind")
        assert reading.seen == [b"before", b"behind"]
        ((value, reason),) = reading.aside
        assert value is not None and value[61:] == bad[61:]
        assert "the batch of offsets 1 to " in reason and " can't be read: " in reason


async def test_an_unreadable_batch_at_the_end_is_set_aside_once_over_restarts_and_is_no_lag(
    settings: ServiceSettings, topic: Topic
) -> None:
    group = f"{topic.name}.group"
    await write_batch(settings, topic, BAD["a bomb"])
    partition = TopicPartition(topic.name, PARTITION)
    async with started(Reading(settings, topic, group)) as reading:

        async def committed() -> bool:
            return reading.consumption.committed.get(partition) == 3

        await eventually(committed)
        assert len(reading.aside) == 1
        assert set((await reading.consumption.lag()).values()) == {0}
    async with started(Reading(settings, topic, group)) as reading:
        await write(settings, topic, b"next")
        await reading.until(1)
        assert (reading.seen, reading.aside) == ([b"next"], [])


async def test_a_replay_reads_past_it(settings: ServiceSettings, topic: Topic) -> None:
    await write_batch(settings, topic, BAD["a bomb"])
    await write(settings, topic, b"behind", compression="zstd")
    seen: list[bytes | None] = []

    async def note(records: Batch) -> None:
        seen.extend(record.value for record in records)

    async with Replay(settings, topic) as replay:
        assert await replay.up_to_now(note) == 1
    assert seen == [b"behind"]


async def test_a_partition_that_stands_still_is_told_apart_from_those_that_move(
    settings: ServiceSettings, topic: Topic
) -> None:
    """A fetch that is never answered again, of one partition, is what a client's own fault looks like."""
    async with started(Reading(settings, topic, f"{topic.name}.group")) as reading:
        consumer = reading.consumption._consumer
        assert consumer is not None
        still = TopicPartition(topic.name, PARTITION)

        async def all_are_read() -> bool:
            return len(reading.consumption.seconds_without_progress()) == len(consumer.fetched_at) == 4

        await eventually(all_are_read)
        consumer.pause(still)
        before = reading.consumption.seconds_without_progress()[PARTITION]

        async def stands_still() -> bool:
            seconds = reading.consumption.seconds_without_progress()
            others = [seconds[number] for number in seconds if number != PARTITION]
            return seconds[PARTITION] > before + 2 and max(others) < 2

        await eventually(stands_still)
        assert await reading.consumption.broker_answers()
