"""Brokers of a cluster are killed or stopped: what was acknowledged stays, and nothing is acknowledged by one alone."""

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Iterator

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError

from contracts.topics import SIGNALS, TOPICS
from deploy.local import processes
from deploy.local.plan import SERVICES
from deploy.local.supervisor import Control
from deploy.local.waiting import until
from shared.kafka import ScreenedConsumer
from tests.e2e.aftermath import Aftermath, until_work_goes_on
from tests.e2e.clients import Client, tenant
from tests.e2e.ledger import Ledger, work_while
from tests.kafka import Log
from tests.running_stack import RunningStack
from tests.three_brokers.conftest import NODES

PEOPLE = 6
WISHES_BETWEEN_LOSSES = 30
SECONDS = 60.0
UNANSWERED_SECONDS = 5.0


async def test_work_goes_on_without_each_of_the_brokers_and_nothing_acknowledged_is_lost(
    three_brokers: RunningStack,
) -> None:
    client = Client(tenant(three_brokers))

    async def lose_one_after_the_other(ledger: Ledger) -> None:
        for node in NODES:
            await _until_all_copies_are_in_sync(three_brokers)
            await _until_restarted(three_brokers, node, three_brokers.kill(node))
            await until_work_goes_on(ledger, WISHES_BETWEEN_LOSSES, SECONDS)
        await _until_all_copies_are_in_sync(three_brokers)
        control = Control(three_brokers.plan)
        control.stop(NODES[0])
        try:
            await until_work_goes_on(ledger, WISHES_BETWEEN_LOSSES, SECONDS)
        finally:
            control.start(NODES[:1])
        await until_work_goes_on(ledger, WISHES_BETWEEN_LOSSES, SECONDS)

    ledger = await work_while(client, PEOPLE, lose_one_after_the_other)
    await Aftermath(three_brokers, client, ledger).check_everything()
    client.close()


async def test_one_broker_alone_acknowledges_nothing_and_all_of_it_arrives_later(three_brokers: RunningStack) -> None:
    await _until_all_copies_are_in_sync(three_brokers)
    servers = three_brokers.bootstrap_servers
    async with AIOKafkaProducer(bootstrap_servers=servers, acks="all", request_timeout_ms=2000) as producer:
        await producer.send_and_wait(SIGNALS.name, b"with all", partition=0)
        with _suspended(three_brokers, NODES[1]), _suspended(three_brokers, NODES[2]):
            alone = asyncio.ensure_future(producer.send_and_wait(SIGNALS.name, b"alone", partition=0))
            done, _ = await asyncio.wait({alone}, timeout=UNANSWERED_SECONDS)
            assert not done or isinstance(alone.exception(), KafkaError)
        with contextlib.suppress(KafkaError):
            await asyncio.wait_for(alone, SECONDS)
        await _until_all_copies_are_in_sync(three_brokers)
        await asyncio.wait_for(producer.send_and_wait(SIGNALS.name, b"with all again", partition=0), SECONDS)
    log = Log(servers, SIGNALS.name)
    await log.open(from_beginning=True)
    values = [record.value for record in await log.records() if record.partition == 0]
    await log.close()
    assert values[0] == b"with all" and values[-1] == b"with all again"


@pytest.mark.parametrize("number", range(2))
async def test_a_group_reads_on_when_the_broker_that_coordinates_it_dies(
    three_brokers: RunningStack, number: int
) -> None:
    """Every record arrives, in order, in the reader that goes on or in the one that takes its place."""
    await _until_all_copies_are_in_sync(three_brokers)
    servers, topic, group = three_brokers.bootstrap_servers, SIGNALS.name, f"coordinated.{number}"
    marker = f"group-{number}-".encode()
    async with (
        AIOKafkaProducer(bootstrap_servers=servers, acks="all", enable_idempotence=True) as producer,
        ScreenedConsumer(
            topic,
            bootstrap_servers=servers,
            group_id=group,
            auto_offset_reset="earliest",
            session_timeout_ms=6000,
            enable_auto_commit=False,
        ) as reader,
    ):
        seen: list[bytes] = []
        reading = asyncio.create_task(_read(reader, marker, seen))
        await asyncio.wait_for(producer.send_and_wait(topic, marker + b"0", partition=1), SECONDS)
        await asyncio.wait_for(until(lambda: _has(seen, 1)), SECONDS)
        node = NODES[reader._coordinator.coordinator_id - 1]
        killed = three_brokers.kill(node)
        async with asyncio.timeout(SECONDS):
            for value in range(1, 50):
                await producer.send_and_wait(topic, marker + str(value).encode(), partition=1)
        await asyncio.wait_for(until(lambda: _has(seen, 50)), SECONDS)
        reading.cancel()
        await _until_restarted(three_brokers, node, killed)
    assert list(dict.fromkeys(seen)) == [marker + str(value).encode() for value in range(50)]


async def test_services_stop_cleanly_while_no_broker_answers(three_brokers: RunningStack) -> None:
    """What they fetch fails again and again then."""
    await _until_all_copies_are_in_sync(three_brokers)
    control = Control(three_brokers.plan)
    killed = {node: three_brokers.kill(node) for node in NODES}
    for service in SERVICES:
        control.stop(service)
    ended = {service: three_brokers.log(service).splitlines()[-1] for service in SERVICES}
    control.start(SERVICES)
    for node, pid in killed.items():
        await _until_restarted(three_brokers, node, pid)
    assert [service for service, line in ended.items() if '"event":"stopped"' not in line] == []


async def _read(reader: AIOKafkaConsumer, marker: bytes, seen: list[bytes]) -> None:
    async for record in reader:
        seen += [record.value] if record.value.startswith(marker) else []


async def _has(seen: list[bytes], count: int) -> bool:
    return len(set(seen)) >= count


@contextlib.contextmanager
def _suspended(stack: RunningStack, node: str) -> Iterator[None]:
    """A broker that hangs instead of dying; supervisord does not start it again."""
    identity = processes.recorded(stack.folder.processes)[node]
    identity.send(signal.SIGSTOP)
    try:
        yield
    finally:
        identity.send(signal.SIGCONT)


async def _until_restarted(stack: RunningStack, node: str, killed: int) -> None:
    async def is_restarted() -> bool:
        return stack.pid(node) not in (0, killed)

    await asyncio.wait_for(until(is_restarted), SECONDS)


async def _until_all_copies_are_in_sync(stack: RunningStack) -> None:
    await asyncio.wait_for(until(lambda: _are_in_sync(stack.bootstrap_servers), every_seconds=0.2), SECONDS)


async def _are_in_sync(bootstrap_servers: str) -> bool:
    try:
        async with _metadata(bootstrap_servers) as consumer:
            cluster = await consumer._client.fetch_all_metadata()
            places = [TopicPartition(t.name, p) for t in TOPICS for p in cluster.partitions_for_topic(t.name) or ()]
            copies = [cluster._partitions[place.topic][place.partition].isr for place in places]
    except KafkaError:
        return False
    return bool(copies) and all(len(in_sync) == len(NODES) for in_sync in copies)


@contextlib.asynccontextmanager
async def _metadata(bootstrap_servers: str) -> AsyncIterator[AIOKafkaConsumer]:
    async with AIOKafkaConsumer(bootstrap_servers=bootstrap_servers) as consumer:
        yield consumer
