"""The local stack's log outlives its processes, however they end; a log that is lost is reported."""

import asyncio
import contextlib
import shutil
import signal
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from contracts.topics import RUN_EVENTS, SIGNALS
from deploy.local import plan, processes
from deploy.local.kafka.cluster import KafkaCluster
from deploy.topics import missing_topics
from tests.e2e.aftermath import Aftermath, until_work_goes_on
from tests.e2e.clients import Client, tasks_in_a_row, tenant
from tests.e2e.command_line import CommandLine, when
from tests.e2e.ledger import Ledger, work_while
from tests.kafka import Log
from tests.running_stack import RunningStack

RECORDS = 200
GROUP = "durable.group"
PLACE = TopicPartition(SIGNALS.name, 0)
PEOPLE = 4


async def _stop_and_start(command: CommandLine) -> None:
    assert (await command.run("down")).code == 0


async def _kill_the_broker(command: CommandLine) -> None:
    killed = command.identity("kafka-1")
    killed.send(signal.SIGKILL)
    await when(lambda: command.identity("kafka-1") != killed)


async def _kill_everything(command: CommandLine) -> None:
    command.identity("supervisord").send(signal.SIGKILL)
    await command.until_nothing_runs()


async def _kill_everything_twice(command: CommandLine) -> None:
    """The second time while the stack is on its way up."""
    await _kill_everything(command)
    before = processes.recorded(command.folder.processes)
    process = await command.start("up", "--only", "infrastructure")
    await when(lambda: processes.recorded(command.folder.processes).get("kafka-1") not in (None, before["kafka-1"]))
    process.send_signal(signal.SIGKILL)
    await process.communicate()
    await command.until_nothing_runs()


@pytest.mark.parametrize(
    "disturb", [_stop_and_start, _kill_the_broker, _kill_everything, _kill_everything_twice], ids=lambda f: f.__name__
)
async def test_what_was_acknowledged_and_committed_is_still_there(
    command: CommandLine, disturb: Callable[[CommandLine], Awaitable[None]]
) -> None:
    await command.up()
    servers = command.plan.addresses.kafka_bootstrap_servers
    sent = [str(number).encode() for number in range(RECORDS)]
    async with AIOKafkaProducer(bootstrap_servers=servers, acks="all", enable_idempotence=True) as producer:
        for value in sent:
            await producer.send_and_wait(SIGNALS.name, value, partition=0)
    async with _reader(servers) as reader:
        await reader.commit({PLACE: RECORDS // 2})
    await disturb(command)
    again = await command.up()
    assert again.code == 0, again.err
    servers = command.plan.addresses.kafka_bootstrap_servers
    log = Log(servers, SIGNALS.name)
    await log.open(from_beginning=True)
    assert [record.value for record in await log.records()] == sent
    await log.close()
    async with _reader(servers) as reader:
        assert await reader.committed(PLACE) == RECORDS // 2


@contextlib.asynccontextmanager
async def _reader(servers: str) -> AsyncIterator[AIOKafkaConsumer]:
    async with AIOKafkaConsumer(bootstrap_servers=servers, group_id=GROUP, enable_auto_commit=False) as reader:
        reader.assign([PLACE])
        yield reader


def _running(command: CommandLine) -> RunningStack:
    return RunningStack(command.folder, command.plan, "hera")


async def test_work_goes_on_where_it_was_when_everything_was_killed_or_stopped(command: CommandLine) -> None:
    settings = {"RATE_LIMIT_PER_MINUTE": "1000000"}
    assert (await command.run("up", **settings)).code == 0
    port = command.plan.ports["gateway"]
    client = Client(tenant(_running(command)))

    async def disturb(ledger: Ledger) -> None:
        for end in (_kill_everything, _stop_and_start):
            await until_work_goes_on(ledger, 20)
            await end(command)
            up = await command.run("up", **settings, HERA_GATEWAY_PORT=str(port))
            assert up.code == 0, up.err
        await until_work_goes_on(ledger, 20)

    ledger = await work_while(client, PEOPLE, disturb)
    assert ledger.retries > 0, "nothing was interrupted"
    await Aftermath(_running(command), client, ledger).check_everything()
    client.close()


async def test_a_lost_log_is_reported_and_work_goes_on_once_that_is_accepted(command: CommandLine) -> None:
    assert (await command.run("up")).code == 0
    client = Client(tenant(_running(command)))
    playbook_id = await client.created(tasks_in_a_row(2))
    run_id = (await client.started(playbook_id))["run_id"]
    await client.completed(run_id, 1)
    assert (await client.get(f"/playbooks/{playbook_id}/metrics?period=30d")).status == 200
    client.close()
    await command.run("down")
    shutil.rmtree(command.folder.data("kafka-of-1"))

    refused = await command.run("up")
    assert refused.code == 1
    assert "Kafka's log was lost or replaced" in refused.err and "make up ACCEPT_LOST_LOG=1" in refused.err
    assert command.pids() == set()
    assert (await command.run("up")).code == 1, "it is refused until it is accepted"

    accepted = await command.run("up", "--accept-lost-log")
    assert accepted.code == 0, accepted.err
    client = Client(tenant(_running(command), organization_id=client.caller.organization_id))
    completed = await client.completed(run_id, 2)
    assert completed["run_status"]["overall_status"] == "completed"
    timeline = (await client.get(f"/playbook-runs/{run_id}/timeline")).data()["timeline"]
    assert [entry["event_type"] for entry in timeline][-1] == "run_completed"
    await _until_metrics_are_current(client, playbook_id)
    client.close()
    await command.run("down")
    assert (await command.run("up", "--only", "infrastructure")).code == 0


async def _until_metrics_are_current(client: Client, playbook_id: str) -> None:
    async with asyncio.timeout(40):
        while True:
            answer = await client.get(f"/playbooks/{playbook_id}/metrics?period=30d")
            if answer.headers.get("x-consistency") != "behind":
                break
    assert answer.data()["metrics"]["execution_stats"]["completed_runs"] == 1


async def test_a_wiped_data_folder_is_a_new_installation(command: CommandLine) -> None:
    await command.up()
    await command.run("down")
    shutil.rmtree(command.folder.path)
    again = await command.up()
    assert (again.code, again.err) == (0, "")
    assert await missing_topics(command.plan.addresses.kafka_bootstrap_servers) == set()


async def test_records_without_the_file_that_makes_them_readable_are_not_overwritten(command: CommandLine) -> None:
    await command.up()
    await command.run("down")
    log = KafkaCluster(1).folder(command.folder, 1).log
    (log / "meta.properties").unlink()
    refused = await command.up()
    assert refused.code == 1 and "holds records but no meta.properties" in refused.err
    assert list(log.glob(f"{RUN_EVENTS.name}-*"))


def test_one_broker_and_three_have_the_same_settings_but_for_the_copies() -> None:
    one, three = plan.kafka_settings(1), plan.kafka_settings(3)
    copies = {"KAFKA_REPLICATION_FACTOR": ("1", "3"), "KAFKA_MIN_INSYNC_REPLICAS": ("1", "2")}
    assert {name: (one[name], three[name]) for name in one if one[name] != three[name]} == copies
