"""Backup and restore on brokers with ACLs, by a principal for each: one that changes nothing, and one for restoring."""

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from contracts.topics import RUN_COMMANDS, RUN_EVENTS
from deploy.acls import BACKUP, OPERATOR, RESTORE
from deploy.local.folder import CHECKOUT
from deploy.local.supervisor import Control
from deploy.local.waiting import until
from tests.e2e.clients import Client, tasks_in_a_row, tenant
from tests.e2e.command_line import Ended, ended
from tests.kafka import Log, group_lag
from tests.running_stack import RunningStack
from tests.secured.attacks.test_principals import reads, writes
from tests.secured.certificates import Authority
from tests.secured.cluster import running, settings_of

SECONDS = 60.0


@pytest.fixture(scope="module")
def stack(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    with running(tmp_path_factory.mktemp("secured"), authority, {}) as started:
        yield started


async def run_as(user: str, stack: RunningStack, authority: Authority, module: str, *arguments: str) -> Ended:
    """Runs a command with the engine's settings and keys, and with this user's rights alone."""
    environment = os.environ | stack.plan.programs["run_engine"].environment | settings_of(user, authority)
    process = await asyncio.create_subprocess_exec(
        sys.executable, *("-m", module, *arguments),
        cwd=CHECKOUT, env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    return await ended(process)


async def records(stack: RunningStack, topic: str) -> list[tuple[int, int, bytes | None, bytes | None]]:
    log = Log(stack.bootstrap_servers, topic)
    await log.open(from_beginning=True)
    found = sorted((r.partition, r.offset, r.key, r.value) for r in await log.records())
    await log.close()
    return found


@contextlib.asynccontextmanager
async def services_stopped(stack: RunningStack) -> AsyncIterator[None]:
    control, names = Control(stack.plan), stack.plan.names("services")
    for name in names:
        control.stop(name)
    yield
    control.start(names)
    await asyncio.gather(*(stack.until_ready(name) for name in names))


async def lag(stack: RunningStack) -> int:
    return await group_lag(stack.bootstrap_servers, RUN_EVENTS.name, RUN_EVENTS.group("timeline"))


async def test_each_has_the_rights_that_its_command_needs(
    stack: RunningStack, authority: Authority, tmp_path: Path
) -> None:
    """The gateway may go on during a backup, but what was acknowledged behind it is not in it."""
    client = Client(tenant(stack))
    run_id = (await client.started(await client.created(tasks_in_a_row(2))))["run_id"]
    await client.completed(run_id, 1)

    async def is_read() -> bool:
        return await lag(stack) == 0

    await asyncio.wait_for(until(is_read, every_seconds=0.5), SECONDS)
    folder = str(tmp_path / "backup")
    refused = await run_as(BACKUP, stack, authority, "deploy.backup", folder)
    assert (refused.code, "Services are running" in refused.err) == (1, True), refused.err

    async with services_stopped(stack):
        for user in ("gateway", OPERATOR):
            refused = await run_as(user, stack, authority, "deploy.backup", folder)
            assert (refused.code, "docs/kafka-security.md" in refused.err) == (1, True), refused.err
        made = await run_as(BACKUP, stack, authority, "deploy.backup", folder)
        assert made.code == 0, made.err
        commands, events = await records(stack, RUN_COMMANDS.name), await records(stack, RUN_EVENTS.name)
        assert commands and events

        for user in (BACKUP, OPERATOR):
            refused = await run_as(user, stack, authority, "deploy.restore", folder, "--replace")
            assert (refused.code, "docs/kafka-security.md" in refused.err) == (1, True), refused.err
        assert await records(stack, RUN_EVENTS.name) == events

        done = await run_as(RESTORE, stack, authority, "deploy.restore", folder, "--replace")
        assert done.code == 0, done.out + done.err
        assert await records(stack, RUN_COMMANDS.name) == commands
        assert await records(stack, RUN_EVENTS.name) == events
        assert await lag(stack) == 0
    completed = await client.completed(run_id, 2)
    assert completed["run_status"]["overall_status"] == "completed"
    client.close()


async def test_who_makes_a_backup_reads_everything_and_writes_nothing(
    stack: RunningStack, authority: Authority
) -> None:
    for topic in (RUN_COMMANDS.name, RUN_EVENTS.name):
        assert await reads(stack, authority, BACKUP, topic)
        assert not await writes(stack, authority, BACKUP, topic)
