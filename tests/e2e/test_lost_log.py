"""The broker loses its log while consumers run: none commits into the new log what it handled of the old one."""

import asyncio
import shutil
import signal
from pathlib import Path

from aiokafka import AIOKafkaProducer, TopicPartition

from contracts.topics import SIGNALS
from deploy.local.kafka.cluster import KafkaCluster
from deploy.local.plan import connection
from deploy.topics import create_topics
from shared.kafka import Batch, GroupProgress
from shared.settings import ServiceSettings
from tests.e2e.clients import Client, tasks_in_a_row, tenant
from tests.e2e.command_line import CommandLine, when
from tests.infrastructure import SERVICE_TOKEN
from tests.integration.shared.reading import Reading, started
from tests.running_stack import RunningStack

PARTITION = 0
GROUP = "lost.log"
OLD, NEW = 30, 45


async def lose_log(command: CommandLine) -> None:
    """Kills the broker and deletes everything that it had written before it runs again, with its topics."""
    killed = command.identity("kafka-1")
    killed.send(signal.SIGKILL)
    delete_records(KafkaCluster(1).folder(command.folder, 1).log)
    await when(lambda: command.identity("kafka-1") != killed)
    environment = connection(command.plan.addresses)
    assert SIGNALS.name in await create_topics(environment, accept_lost_log=True)


def delete_records(log: Path) -> None:
    for path in log.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif path.name not in ("meta.properties", "bootstrap.checkpoint"):
            path.unlink()


async def write(settings: ServiceSettings, *values: bytes) -> None:
    async with AIOKafkaProducer(bootstrap_servers=settings.kafka_bootstrap_servers) as producer:
        for value in values:
            await producer.send_and_wait(SIGNALS.name, value, partition=PARTITION)


async def test_a_reader_with_a_batch_in_hand_reads_the_whole_new_log(command: CommandLine) -> None:
    """The batch ends after the loss. Its offset must not be committed: what is below it in the new log was not read."""
    assert (await command.up()).code == 0
    given = connection(command.plan.addresses) | {"SERVICE_TOKEN": SERVICE_TOKEN}
    settings = ServiceSettings.model_validate({name.lower(): value for name, value in given.items()})
    old, new = [[f"{age} {n}".encode() for n in range(n_)] for age, n_ in (("old", OLD), ("new", NEW))]
    go_on = asyncio.Event()

    async def hold_the_last(batch: Batch) -> None:
        if batch[-1].value == b"in hand":
            await go_on.wait()

    await write(settings, *old)
    async with started(Reading(settings, SIGNALS, GROUP, hold_the_last)) as reading:
        await reading.until(OLD)
        await write(settings, b"in hand")
        await when(lambda: reading.begun[-1].value == b"in hand")
        await lose_log(command)
        await write(settings, *new)
        consumer = reading.consumption._consumer
        assert consumer is not None
        await when(lambda: consumer.generation[0] < 0)  # the new coordinator does not know it
        go_on.set()
        await reading.until(OLD + 1 + NEW)
        assert reading.seen == [*old, b"in hand", *new]
        await when(lambda: reading.consumption.committed.get(TopicPartition(SIGNALS.name, PARTITION)) == NEW)
    progress = GroupProgress(settings, SIGNALS, GROUP)
    assert not await progress.has_committed({TopicPartition(SIGNALS.name, PARTITION): NEW + 1})
    await progress.stop()


async def test_every_command_after_the_loss_is_answered_though_no_service_is_started_anew(command: CommandLine) -> None:
    assert (await command.run("up", RATE_LIMIT_PER_MINUTE="1000000")).code == 0
    stack = RunningStack(command.folder, command.plan, "hera")
    client = Client(tenant(stack))
    before = {name: stack.pid(name) for name in stack.plan.names("services")}
    playbook_id = await client.created(tasks_in_a_row(1))
    old = await asyncio.gather(*(client.started(playbook_id) for _ in range(OLD)))
    await lose_log(command)
    new = await asyncio.gather(*(client.started(playbook_id) for _ in range(NEW)))
    await asyncio.gather(*(client.completed(run["run_id"], 1) for run in [*old, *new]))
    assert {name: stack.pid(name) for name in before} == before
    for run in (old[0], new[0], new[-1]):
        assert (await client.get(f"/playbook-runs/{run['run_id']}")).data()["status"] == "completed"
    client.close()
