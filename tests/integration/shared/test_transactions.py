"""Transactions of other producers on the real broker: aborted ones are not read, and open ones hold back little."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
import pytest_asyncio
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError

from contracts.topics import SIGNALS, TOPICS, WORKER_RESULTS, Topic
from shared.ids import new_id
from shared.service import Service
from shared.settings import ServiceSettings
from tests.infrastructure import Infrastructure
from tests.integration.running import eventually, fresh_topic, running, without_traces
from tests.integration.shared.reading import Reading, started
from tests.kafka import client_options

PARTITION = 2


@pytest.fixture
def settings(infrastructure: Infrastructure) -> ServiceSettings:
    return ServiceSettings.model_validate({name.lower(): value for name, value in infrastructure.settings.items()})


@pytest_asyncio.fixture
async def topic(infrastructure: Infrastructure) -> Topic:
    return await fresh_topic(infrastructure, writers=("other systems",))


@asynccontextmanager
async def producing(settings: ServiceSettings, timeout_ms: int = 60_000) -> AsyncIterator[AIOKafkaProducer]:
    async with AIOKafkaProducer(
        **client_options(settings.kafka_bootstrap_servers),
        transactional_id=new_id("test"),
        transaction_timeout_ms=timeout_ms,
    ) as producer:
        yield producer


async def write(settings: ServiceSettings, topic: Topic, value: bytes) -> None:
    async with AIOKafkaProducer(**client_options(settings.kafka_bootstrap_servers)) as producer:
        await producer.send_and_wait(topic.name, value, partition=PARTITION)


def test_topics_that_others_write_to_are_read_committed_and_no_other() -> None:
    assert {topic for topic in TOPICS if topic.written_by_others} == {SIGNALS, WORKER_RESULTS}


async def test_what_an_aborted_transaction_wrote_is_not_read(settings: ServiceSettings, topic: Topic) -> None:
    async with producing(settings) as producer:
        for value, ends in [(b"aborted", producer.abort_transaction), (b"committed", producer.commit_transaction)]:
            await producer.begin_transaction()
            await producer.send_and_wait(topic.name, value, partition=PARTITION)
            await ends()
    async with started(Reading(settings, topic, f"{topic.name}.group")) as reading:
        await reading.until(1)
        assert reading.seen == [b"committed"]
        marker = TopicPartition(topic.name, PARTITION)

        async def has_no_lag() -> bool:
            """The marker behind the last record is committed as well."""
            return reading.consumption.committed.get(marker) == 4

        await eventually(has_no_lag)
        assert set((await reading.consumption.lag()).values()) == {0}


async def test_a_transaction_may_not_stay_open_for_longer_than_a_minute(
    settings: ServiceSettings, topic: Topic
) -> None:
    with pytest.raises(KafkaError, match="InvalidTransactionTimeout"):
        async with producing(settings, timeout_ms=60_001) as producer:
            await producer.begin_transaction()


async def test_an_open_transaction_is_shown_and_ends_with_its_time(settings: ServiceSettings, topic: Topic) -> None:
    service = without_traces(Service("test", settings.model_copy(update={"database_prefix": new_id("t")[:20]})))
    reading = Reading(settings, topic, f"{topic.name}.group", consumers=service.consumers)
    async with running(service), producing(settings, timeout_ms=3_000) as producer:
        await producer.begin_transaction()
        await producer.send_and_wait(topic.name, b"never committed", partition=PARTITION)
        await write(settings, topic, b"behind it")

        async def shows_it() -> bool:
            return await _open_seconds(service, topic) > 0

        await eventually(shows_it)
        assert reading.seen == []
        await reading.until(1)
        assert reading.seen == [b"behind it"]

        async def shows_none() -> bool:
            return await _open_seconds(service, topic) == 0

        await eventually(shows_none)


async def _open_seconds(service: Service, topic: Topic) -> float:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(service.app), base_url="http://test") as http:
        page = (await http.get("/metrics")).text
    labels = f'partition="{PARTITION}",topic="{topic.name}"'
    found = [line for line in page.splitlines() if line.startswith("hera_open_transaction_seconds{") and labels in line]
    return float(found[0].rsplit(" ", 1)[1]) if found else 0.0
