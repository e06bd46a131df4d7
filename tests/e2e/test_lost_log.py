"""The broker loses its log while consumers run: none commits into the new log what it handled of the old one."""

import asyncio
from collections.abc import Awaitable, Callable

from aiokafka import AIOKafkaProducer, TopicPartition

from contracts.topics import SIGNALS
from deploy.local.plan import connection
from deploy.local.waiting import until
from services.timeline.domain.chain import verify
from shared.kafka import Batch, GroupProgress
from shared.messages import hash_of
from shared.settings import ServiceSettings
from tests.e2e.aftermath import RECOVERED_SECONDS, Aftermath, until_work_goes_on
from tests.e2e.clients import Client, tasks_in_a_row, tenant
from tests.e2e.command_line import CommandLine, when
from tests.e2e.ledger import EVENTS_OF_A_RUN, STEPS, Ledger, work_while
from tests.e2e.loss import lose_log
from tests.infrastructure import SERVICE_TOKEN
from tests.integration.shared.reading import Reading, started
from tests.running_stack import RunningStack

PARTITION = 0
GROUP = "lost.log"
OLD, NEW = 30, 45
PEOPLE, WISHES = 4, 40


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
        await lose_log(command.folder, command.plan, holds_data=False)
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
    await check_commands_after(stack, lambda: lose_log(command.folder, command.plan))


async def check_commands_after(stack: RunningStack, loss: Callable[[], Awaitable[None]]) -> None:
    """Runs of before and after the loss are carried on, by the services as they are."""
    client = Client(tenant(stack))
    before = {name: stack.pid(name) for name in stack.plan.names("services")}
    playbook_id = await client.created(tasks_in_a_row(1))
    old = await asyncio.gather(*(client.started(playbook_id) for _ in range(OLD)))
    await loss()
    new = await asyncio.gather(*(client.started(playbook_id) for _ in range(NEW)))
    await asyncio.gather(*(client.completed(run["run_id"], 1) for run in [*old, *new]))
    assert {name: stack.pid(name) for name in before} == before
    for run in (old[0], new[0], new[-1]):
        assert (await client.get(f"/playbook-runs/{run['run_id']}")).data()["status"] == "completed"
    client.close()


async def test_a_loss_under_load_costs_events_of_the_runs_under_way_and_nothing_else(command: CommandLine) -> None:
    """What 0013 allows to be lost: events that a projection had not read. Callers send commands again."""
    assert (await command.run("up", RATE_LIMIT_PER_MINUTE="1000000")).code == 0
    stack = RunningStack(command.folder, command.plan, "hera")
    client = Client(tenant(stack))
    read_before: set[str] = set()
    begun_before: set[str] = set()

    async def lose(ledger: Ledger) -> None:
        await until_work_goes_on(ledger, WISHES)
        read_before.update(run_id for run_id, steps in ledger.runs.items() if steps == STEPS)
        await _until_read(Aftermath(stack, client, ledger), read_before)
        await lose_log(command.folder, command.plan)
        await until_work_goes_on(ledger, WISHES)
        begun_before.update(ledger.runs)
        await until_work_goes_on(ledger, WISHES)

    ledger = await work_while(client, PEOPLE, lose)
    aftermath = Aftermath(stack, client, ledger)
    aftermath.check_answers()
    await aftermath.check_runs()
    await aftermath.check_repeated_requests()
    await aftermath.check_operations()
    kept = read_before | (set(ledger.runs) - begun_before)
    assert read_before and kept - read_before
    await _until_read(aftermath, kept)
    timelines = await aftermath.load_timelines()
    assert timelines.keys() <= ledger.runs.keys()
    for run_id, events in timelines.items():
        assert len(events) <= EVENTS_OF_A_RUN, run_id
        assert run_id not in kept or verify(events, hash_of) is None, run_id
    client.close()


async def _until_read(aftermath: Aftermath, run_ids: set[str]) -> None:
    """The timeline has read every event of these runs."""

    async def are_read() -> bool:
        timelines = await aftermath.load_timelines()
        return all(len(timelines.get(run_id, ())) == EVENTS_OF_A_RUN for run_id in run_ids)

    await asyncio.wait_for(until(are_read, every_seconds=0.2), RECOVERED_SECONDS)
