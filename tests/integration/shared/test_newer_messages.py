"""Messages newer than the service that reads them, on the real broker: it waits, says so, and its successor goes on."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import orjson
import pytest
import pytest_asyncio
from aiokafka import AIOKafkaProducer

from contracts.commands import PauseRun
from contracts.topics import Topic
from contracts.values import Caller
from shared.kafka import Replay
from shared.kafka.newer import NewerMessage
from shared.messages import Record, command_message
from shared.service import Service
from shared.settings import ServiceSettings
from tests.infrastructure import Infrastructure
from tests.integration.running import eventually, fresh_topic, running, without_traces
from tests.kafka import client_options, group_lag

PARTITION, OTHER_PARTITION = 1, 2
PAUSE = PauseRun(signal_id="sig_1", caller=Caller(id="somebody", permissions=("*",)))


@pytest.fixture
def settings(infrastructure: Infrastructure) -> ServiceSettings:
    return ServiceSettings.model_validate({name.lower(): value for name, value in infrastructure.settings.items()})


@pytest_asyncio.fixture
async def topic(infrastructure: Infrastructure) -> Topic:
    return await fresh_topic(infrastructure)


class Reader:
    """A service that reads the topic."""

    def __init__(self, settings: ServiceSettings, topic: Topic) -> None:
        self.service = without_traces(Service("test", settings))
        self.taken: list[str] = []
        self.aside: list[Record] = []
        self.group = topic.group("test")
        self.service.consumers.add(topic, self.group, self._take, self._set_aside)

    async def _take(self, records: tuple[Record, ...]) -> None:
        self.taken += [orjson.loads(record.value or b"")["id"] for record in records]

    async def _set_aside(self, record: Record, _: Exception) -> None:
        self.aside.append(record)

    async def took(self, *ids: str) -> None:
        async def all_there() -> bool:
            return set(ids) <= set(self.taken)

        await eventually(all_there)

    async def is_unready(self) -> dict[str, dict[str, str]]:
        response = await self.service._ready()
        assert response.status_code in (200, 503)
        waits: dict[str, dict[str, str]] = orjson.loads(response.body)["waits_for_upgrade"]
        assert (response.status_code == 503) is bool(waits)
        return waits

    async def metrics_with_lag(self) -> dict[str, float] | None:
        """The metrics of PARTITION, once its lag counts what was written behind the message (as of the last fetch)."""
        page = (await self.service._metrics.content())[0].decode()
        labels = f'{{group="{self.group}",partition="{PARTITION}",topic='
        lines = [line for line in page.splitlines() if labels in line]
        values = {line.partition("{")[0]: float(line.rpartition(" ")[2]) for line in lines}
        return values if values.get("hera_consumer_lag", 0) > 1 else None


def message(topic: Topic, message_id: str) -> bytes:
    return command_message(
        topic.name, "run_1", PAUSE, message_id=message_id, organization_id="org_1", correlation_id="req",
        time=datetime.now(UTC),
    ).value  # fmt: skip


@pytest_asyncio.fixture
async def producer(settings: ServiceSettings) -> AsyncIterator[AIOKafkaProducer]:
    async with AIOKafkaProducer(**client_options(settings.kafka_bootstrap_servers)) as producer:
        yield producer


async def test_a_service_waits_for_its_upgrade_and_its_successor_takes_each_message_once(
    settings: ServiceSettings, topic: Topic, producer: AIOKafkaProducer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as newer:
        newer.setattr(PauseRun, "VERSION", 2)
        newest = message(topic, "new")
    old = Reader(settings, topic)
    async with running(old.service):
        for value in (message(topic, "before"), newest, message(topic, "behind")):
            await producer.send_and_wait(topic.name, value, partition=PARTITION)
        await old.took("before")
        waits = await eventually(old.is_unready)
        assert set(waits[topic.name]) == {str(PARTITION)}
        assert "PauseRun has version 2, and this service knows version 1" in waits[topic.name][str(PARTITION)]

        await producer.send_and_wait(topic.name, message(topic, "elsewhere"), partition=OTHER_PARTITION)
        await old.took("elsewhere")  # the other partitions go on

        alive = await old.service._live()
        assert alive.status_code == 200, alive.body
        assert await old.is_unready()
        values = await eventually(old.metrics_with_lag)
        assert values["hera_consumer_lag"] == 2
        assert values["hera_partition_waits_for_upgrade_seconds"] > 0
        assert "hera_partition_seconds_without_progress" not in values  # liveness looks at that
    assert sorted(old.taken) == ["before", "elsewhere"]
    assert old.aside == []
    assert await group_lag(settings.kafka_bootstrap_servers, topic.name, old.group) == 2

    monkeypatch.setattr(PauseRun, "VERSION", 2)
    upgraded = Reader(settings, topic)
    async with running(upgraded.service):
        await upgraded.took("new", "behind")
        assert upgraded.taken == ["new", "behind"]
        assert not await upgraded.is_unready()
    assert await group_lag(settings.kafka_bootstrap_servers, topic.name, old.group) == 0


async def test_a_partition_goes_on_by_itself_once_nothing_is_newer(
    settings: ServiceSettings, topic: Topic, producer: AIOKafkaProducer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.kafka.newer.RETRY_SECONDS", 0.2)
    with monkeypatch.context() as newer:
        newer.setattr(PauseRun, "FORMAT", 2, raising=False)
        newest = message(topic, "new")
    reader = Reader(settings, topic)
    async with running(reader.service):
        await producer.send_and_wait(topic.name, newest, partition=PARTITION)
        await eventually(reader.is_unready)
        monkeypatch.setattr("shared.kafka.newer.registry.topic_format", lambda _: 2)
        await reader.took("new")
        assert not await reader.is_unready()


async def test_a_rebuild_refuses_a_log_that_is_newer(
    settings: ServiceSettings, topic: Topic, producer: AIOKafkaProducer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would leave out what it does not know, and put the rest in place."""
    with monkeypatch.context() as newer:
        newer.setattr(PauseRun, "VERSION", 2)
        await producer.send_and_wait(topic.name, message(topic, "new"), partition=PARTITION)

    async def take(_: tuple[Record, ...]) -> None:
        raise AssertionError("nothing of it may be taken")

    async with Replay(settings, topic) as replay:
        with pytest.raises(NewerMessage, match="version 2"):
            await replay.up_to_now(take)
