"""The rows of tasks: whatever fails while a run is written, they come to be what the run says."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from services.run_engine.documents import from_document
from services.run_engine.task_list import INDEXES, Person, TaskFilters
from services.run_engine.task_rows import rows_of
from services.run_engine.upgrade import upgrade
from tests.infrastructure import Infrastructure
from tests.integration.run_engine.engine import ORGANIZATION, SOMEBODY, Commands, Engine
from tests.integration.run_engine.faults import Fault

FAULTS: tuple[Fault, ...] = ("none", "not written", "written but told it failed", "raced")


@pytest_asyncio.fixture(loop_scope="session")
async def engine(infrastructure: Infrastructure, database_prefix: str) -> AsyncIterator[Engine]:
    made = Engine(infrastructure, database_prefix)
    await made.publisher.start()
    yield made
    await made.publisher.stop()


async def assert_right(engine: Engine, commands: Commands) -> None:
    run = from_document(await engine.document(commands.run_id))
    found = {row.pop("_id"): row async for row in engine.mongo.collection("tasks").find({"run_id": commands.run_id})}
    assert {key: {k: v for k, v in row.items() if k != "written"} for key, row in found.items()} == rows_of(run)


@pytest.mark.parametrize("fault", FAULTS)
async def test_follow_the_run_through(engine: Engine, infrastructure: Infrastructure, fault: Fault) -> None:
    commands = Commands(steps=3)
    rival = Engine(infrastructure, engine.mongo.name.removesuffix("_run_engine"))
    await rival.publisher.start()

    async def interferes() -> None:
        await rival.take(commands.update(x=commands.offset))

    engine.store.rival = interferes
    await engine.take(commands.start())
    for number in (1, 2, 3):
        engine.store.faults.append(fault)
        await engine.take(commands.complete(number))
        await assert_right(engine, commands)
    await rival.publisher.stop()


async def test_a_crash_before_the_withdrawal_is_made_good_when_the_command_comes_again(engine: Engine) -> None:
    commands = Commands(steps=2)
    await engine.take(commands.start())
    complete = commands.complete(1)
    await engine.loop.handle((complete,))  # and the process dies before it publishes
    assert await engine.mongo.collection("tasks").count_documents({"run_id": commands.run_id}) == 2
    await engine.take(complete)
    await assert_right(engine, commands)


async def test_rows_that_were_lost_are_made_anew_when_a_command_comes_again(engine: Engine) -> None:
    commands = Commands()
    start = commands.start()
    await engine.take(start)
    await engine.mongo.collection("tasks").delete_many({"run_id": commands.run_id})
    await engine.take(start)
    await assert_right(engine, commands)


async def test_a_row_of_an_earlier_version_does_not_replace_a_later_one(engine: Engine) -> None:
    commands = Commands()
    await engine.take(commands.start())
    old = from_document(await engine.document(commands.run_id))
    await engine.take(commands.complete(1))
    await engine.store.tasks.offer({}, [old])
    rows = [row["_id"] async for row in engine.mongo.collection("tasks").find({"run_id": commands.run_id})]
    assert f"{commands.run_id}:step_002" in rows
    await engine.store.tasks.renew([from_document(await engine.document(commands.run_id))])
    await assert_right(engine, commands)


async def test_runs_of_an_earlier_version_are_upgraded_once(engine: Engine) -> None:
    commands = Commands()
    await engine.take(commands.start())
    runs, tasks = engine.mongo.collection("runs"), engine.mongo.collection("tasks")
    now = await engine.document(commands.run_id)
    await runs.update_one({"_id": commands.run_id}, {"$unset": {"due": "", "assignees": ""}, "$set": {"tasks": []}})
    await tasks.delete_many({})
    await upgrade(engine.mongo, engine.store.tasks)
    await assert_right(engine, commands)
    upgraded = await engine.document(commands.run_id)
    assert (upgraded["due"], upgraded["assignees"]) == (now["due"], now["assignees"])
    await tasks.delete_many({})
    await upgrade(engine.mongo, engine.store.tasks)
    assert await tasks.count_documents({}) == 0


async def test_counts_are_of_the_caller_s_own(engine: Engine) -> None:
    await engine.mongo.create_indexes({"tasks": INDEXES})
    await engine.take(Commands().start(), Commands(first_offset=1).start())
    mine = await engine.store.tasks.counts(Person(ORGANIZATION, SOMEBODY.id, ()))
    others = await engine.store.tasks.counts(Person("org_2", SOMEBODY.id, ()))
    assert (mine["total"], mine["assigned_to_me"], others["total"]) == (2, 2, 0)
    page = await engine.store.tasks.page(Person(ORGANIZATION, "else", ()), TaskFilters(), "priority", None, 10)
    assert page.items == []
