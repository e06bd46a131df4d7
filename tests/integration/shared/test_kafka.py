"""What shared/kafka promises, on the real broker: nothing lost, a clean stop, order by key, no stopped partition."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from aiokafka import AIOKafkaProducer

from contracts.topics import Topic
from shared import clock
from shared.errors import Unavailable
from shared.kafka import Batch, Publisher
from shared.messages import OutgoingMessage
from shared.settings import ServiceSettings
from tests.infrastructure import Infrastructure
from tests.integration.running import eventually, fresh_topic
from tests.integration.shared.reading import Reading, started

PRODUCERS, READERS, RECORDS_EACH = 16, 6, 300


@pytest.fixture
def settings(infrastructure: Infrastructure) -> ServiceSettings:
    return ServiceSettings.model_validate({name.lower(): value for name, value in infrastructure.settings.items()})


@pytest_asyncio.fixture
async def topic(infrastructure: Infrastructure) -> Topic:
    return await fresh_topic(infrastructure)


@pytest_asyncio.fixture
async def publisher(settings: ServiceSettings) -> AsyncIterator[Publisher]:
    publisher = Publisher(settings, "test")
    await publisher.start()
    yield publisher
    await publisher.stop()


def messages(topic: Topic, *values: bytes, key: str = "one") -> list[OutgoingMessage]:
    return [OutgoingMessage(topic.name, key, value, "Test") for value in values]


async def test_reads_what_was_written_before_the_group_first_joined(
    settings: ServiceSettings, topic: Topic, publisher: Publisher
) -> None:
    await publisher.publish(messages(topic, b"early"))
    async with started(Reading(settings, topic, f"{topic.name}.group")) as reading:
        await reading.until(1)
        assert reading.seen == [b"early"]


async def test_keeps_the_order_of_one_key(settings: ServiceSettings, topic: Topic, publisher: Publisher) -> None:
    sent = [str(i).encode() for i in range(500)]
    await publisher.publish(messages(topic, *sent))
    async with started(Reading(settings, topic, f"{topic.name}.group")) as reading:
        await reading.until(500)
        assert reading.seen == sent


async def test_what_several_producers_are_acknowledged_reaches_every_reader(
    settings: ServiceSettings, topic: Topic
) -> None:
    """A broker that assigns an offset before it stores the batch fails this; many readers see it sooner."""
    publishers = [Publisher(settings, f"test{n}") for n in range(PRODUCERS)]
    readings = [Reading(settings, topic, f"{topic.name}.group{n}") for n in range(READERS)]

    async def write(number: int) -> None:
        for value in range(RECORDS_EACH):
            await publishers[number].publish(messages(topic, f"{number}-{value}".encode()))

    async with contextlib.AsyncExitStack() as stack:
        await asyncio.gather(*(publisher.start() for publisher in publishers))
        for publisher in publishers:
            stack.push_async_callback(publisher.stop)
        await asyncio.gather(*(stack.enter_async_context(started(reading)) for reading in readings))
        await asyncio.gather(*map(write, range(PRODUCERS)))
        await publishers[0].publish(messages(topic, b"end"))
        await asyncio.gather(*(reading.until_seen(b"end") for reading in readings))
    sent = {f"{number}-{value}".encode() for number in range(PRODUCERS) for value in range(RECORDS_EACH)}
    assert [sent - set(reading.seen) for reading in readings] == [set()] * READERS


async def test_a_batch_is_tried_again_while_the_database_is_away(
    settings: ServiceSettings, topic: Topic, publisher: Publisher
) -> None:
    tries = 0

    async def away_twice(_: Batch) -> None:
        nonlocal tries
        tries += 1
        if tries < 3:
            raise Unavailable("the database is away")

    await publisher.publish(messages(topic, b"a"))
    async with started(Reading(settings, topic, f"{topic.name}.group", away_twice)) as reading:
        await reading.until(1)
        assert (tries, reading.seen, reading.aside) == (3, [b"a"], [])


async def test_a_record_that_raises_is_set_aside_and_the_others_are_taken(
    settings: ServiceSettings, topic: Topic, publisher: Publisher
) -> None:
    async def dislikes(batch: Batch) -> None:
        if any(record.value == b"bad" for record in batch):
            raise ValueError("it is bad")

    await publisher.publish(messages(topic, b"a", b"bad", b"b"))
    async with started(Reading(settings, topic, f"{topic.name}.group", dislikes)) as reading:
        await reading.until(2)
        assert reading.seen == [b"a", b"b"]
        assert reading.aside == [(b"bad", "it is bad")]


async def test_headers_that_are_null_or_not_utf8_stop_nothing(settings: ServiceSettings, topic: Topic) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=settings.kafka_bootstrap_servers)
    await producer.start()
    await producer.send_and_wait(topic.name, b"odd", headers=[("a", None), ("b", b"\xff\xfe")])
    await producer.send_and_wait(topic.name, None, key=b"k")
    await producer.stop()
    async with started(Reading(settings, topic, f"{topic.name}.group")) as reading:
        await reading.until(2)
        assert sorted(reading.seen) == [b"", b"odd"]


async def test_what_was_handled_does_not_come_again_after_a_clean_stop(
    settings: ServiceSettings, topic: Topic, publisher: Publisher
) -> None:
    group = f"{topic.name}.group"
    await publisher.publish(messages(topic, b"first"))
    async with started(Reading(settings, topic, group)) as reading:
        await reading.until(1)
    await publisher.publish(messages(topic, b"second"))
    async with started(Reading(settings, topic, group)) as reading:
        await reading.until(1)
        assert reading.seen == [b"second"]


async def test_a_stop_finishes_the_batch_in_hand_and_commits_it(
    settings: ServiceSettings, topic: Topic, publisher: Publisher
) -> None:
    in_hand, go_on = asyncio.Event(), asyncio.Event()

    async def slow(_: Batch) -> None:
        in_hand.set()
        await go_on.wait()

    group = f"{topic.name}.group"
    reading = Reading(settings, topic, group, slow)
    await reading.consumers.start()
    await publisher.publish(messages(topic, b"in hand"))
    await in_hand.wait()
    stopping = asyncio.create_task(reading.consumers.stop())
    go_on.set()
    await stopping
    assert reading.seen == [b"in hand"]
    await publisher.publish(messages(topic, b"next"))
    async with started(Reading(settings, topic, group)) as later:
        await later.until(1)
        assert later.seen == [b"next"]


async def test_what_a_dying_member_did_not_commit_goes_to_another(
    settings: ServiceSettings, topic: Topic, publisher: Publisher
) -> None:
    never = asyncio.Event()

    async def stuck(_: Batch) -> None:
        await never.wait()

    group = f"{topic.name}.group"
    impatient = settings.model_copy(update={"shutdown_seconds": 0.1})
    await publisher.publish(messages(topic, b"unfinished"))
    dying = Reading(impatient, topic, group, stuck)
    await dying.consumers.start()
    await dying.consumers.stop()
    async with started(Reading(settings, topic, group)) as reading:
        await reading.until(1)
        assert reading.seen == [b"unfinished"]


async def test_the_end_of_a_log_lies_behind_the_last_record_of_a_batch(
    settings: ServiceSettings, topic: Topic, publisher: Publisher
) -> None:
    async with started(Reading(settings, topic, f"{topic.name}.group")) as reading:
        for size in (1, 3, 50, 7):
            await publisher.publish(messages(topic, *[b"x"] * size))
        ends = await reading.consumption.end_offsets()
        assert sorted(ends.values()) == [0, 0, 0, 61]


async def test_lag_is_what_is_not_handled_and_a_restart_of_an_idle_service_shows_none(
    settings: ServiceSettings, topic: Topic, publisher: Publisher
) -> None:
    go_on = asyncio.Event()
    go_on.set()

    async def held(_: Batch) -> None:
        await go_on.wait()

    group = f"{topic.name}.group"
    await publisher.publish(messages(topic, *[b"x"] * 5))
    async with started(Reading(settings, topic, group, held)) as reading:
        await reading.until(5)
    async with started(Reading(settings, topic, group, held)) as reading:
        await eventually(lambda: _lags(reading, [0, 0, 0, 0]))
        go_on.clear()
        await publisher.publish(messages(topic, *[b"y"] * 3))
        await eventually(lambda: _lags(reading, [0, 0, 0, 3]))
        go_on.set()
        await eventually(lambda: _lags(reading, [0, 0, 0, 0]))


async def _lags(reading: Reading, expected: list[int]) -> bool:
    return sorted((await reading.consumption.lag()).values()) == expected


async def written(settings: ServiceSettings, topic: Topic, value: bytes, seconds_ago: float) -> None:
    async with AIOKafkaProducer(bootstrap_servers=settings.kafka_bootstrap_servers) as producer:
        moment = int((clock.now().timestamp() - seconds_ago) * 1000)
        await producer.send_and_wait(topic.name, value, partition=2, timestamp_ms=moment)


async def _follows(reading: Reading, *partitions: int) -> bool:
    return sorted(await reading.consumption.following.followed()) == list(partitions)


async def test_a_partition_is_followed_once_it_is_read_to_its_end(settings: ServiceSettings, topic: Topic) -> None:
    go_on = asyncio.Event()

    async def held(_: Batch) -> None:
        await go_on.wait()

    await written(settings, topic, b"old", seconds_ago=60)
    reading = Reading(settings, topic, f"{topic.name}.group", held)
    assert await _follows(reading)
    async with started(reading):
        await eventually(lambda: _follows(reading, 0, 1, 3))
        go_on.set()
        await eventually(lambda: _follows(reading, 0, 1, 2, 3))


async def test_what_is_written_is_read_once_it_is_handled(settings: ServiceSettings, topic: Topic) -> None:
    """A clock that goes wrong, as the writer's of `second` does, says nothing."""
    go_on = asyncio.Event()

    async def held_at(batch: Batch) -> None:
        if batch[-1].value == b"second":
            await go_on.wait()

    async with started(Reading(settings, topic, f"{topic.name}.group", held_at)) as reading:
        following = reading.consumption.following
        await eventually(lambda: _follows(reading, 0, 1, 2, 3))
        await written(settings, topic, b"first", seconds_ago=0)
        await reading.until(1)
        assert await following.has_read(2, 30)
        await written(settings, topic, b"second", seconds_ago=-60)
        await eventually(lambda: _has_begun(reading, 2))
        assert await _follows(reading, 0, 1, 2, 3)
        assert not await following.has_read(2, 0.2)
        waiting = asyncio.create_task(following.has_read(2, 30))
        go_on.set()
        assert await waiting
        assert not await following.has_read(99, 30)


async def _has_begun(reading: Reading, count: int) -> bool:
    return len(reading.begun) >= count


async def test_what_was_written_is_read_at_last_though_ever_more_is_unread(
    settings: ServiceSettings, publisher: Publisher, topic: Topic
) -> None:
    """Each record brings two others: the end is never reached, but the one of before the call is."""

    def record(value: bytes) -> OutgoingMessage:
        return OutgoingMessage(topic.name, "k", value, "More")

    async def endless(_: Batch) -> None:
        await publisher.publish([record(b"more"), record(b"more")])

    one_by_one = settings.model_copy(update={"kafka_max_batch_records": 1})
    async with started(Reading(one_by_one, topic, f"{topic.name}.group", endless)) as reading:
        await publisher.publish([record(b"first")])
        await reading.until(20)
        await publisher.publish([record(b"before the call")])
        assert await reading.consumption.following.has_read(reading.begun[0].partition, 30)
        assert b"before the call" in reading.seen
