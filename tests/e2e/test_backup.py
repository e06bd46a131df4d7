"""The drill: a stack with runs in all states is backed up, wiped, and restored elsewhere; and then with a skew."""

import asyncio
import stat
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from deploy.backup.folder import BackupFolder
from deploy.local.waiting import until
from tests.e2e.clients import Client, tasks_in_a_row, tenant
from tests.e2e.command_line import CommandLine
from tests.receiving import Endpoint, endpoint
from tests.running_stack import WEBHOOKS, RunningStack

SECONDS = 40.0
TIMER_SECONDS = 45
SETTINGS = {"RATE_LIMIT_PER_MINUTE": "1000000", **WEBHOOKS}
SECRET = "ssn-078051120"
FORM = {
    "name": "Registration", "sequence": 1, "step_type": "form",
    "metadata": {"form_fields": [{"name": "ssn", "type": "text", "required": True, "encrypted": True}]},
}  # fmt: skip


@dataclass
class Office:
    """An organization, what it had been told by the time of a backup, and the client of the stack it is on."""

    client: Client
    hook: Endpoint
    webhook_secret: str = ""
    playbook_id: str = ""
    timer_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    runs: dict[str, str] = field(default_factory=dict)
    """By what they are for."""
    acknowledged: dict[str, int] = field(default_factory=dict)
    """By run, how many of its steps are completed."""

    def move_to(self, stack: RunningStack) -> None:
        self.client.close()
        self.client = Client(tenant(stack, organization_id=self.client.caller.organization_id))

    async def start(self, what: str, playbook_id: str | None = None) -> str:
        run_id = str((await self.client.started(playbook_id or self.playbook_id))["run_id"])
        self.runs[what], self.acknowledged[run_id] = run_id, 0
        return run_id

    async def complete(self, what: str, step: int, **more: Any) -> dict[str, Any]:
        completed = await self.client.completed(self.runs[what], step, **more)
        self.acknowledged[self.runs[what]] += 1
        return completed

    async def run(self, what: str) -> dict[str, Any]:
        found: dict[str, Any] = (await self.client.get(f"/playbook-runs/{self.runs[what]}")).data()
        return found

    async def work(self) -> None:
        """Leaves runs in all states."""
        body = {"webhook": {"url": self.hook.url("/hook"), "event_types": ["run_completed"]}}
        self.webhook_secret = (await self.client.post("/webhooks", body)).data()["secret"]
        self.playbook_id = await self.client.created(tasks_in_a_row(2))
        form = await self.client.created({**tasks_in_a_row(2), "steps": [FORM, {"name": "Next", "sequence": 2}]})
        await self.start("ended")
        await self.complete("ended", 1)
        await self.complete("ended", 2)
        await self.start("open")
        await self.complete("open", 1)
        await self.start("encrypted", form)
        await self.complete("encrypted", 1, data={"ssn": SECRET})
        await self.start("paused")
        await self.client.signalled(self.runs["paused"], type="pause", reason="holidays")
        await self.start("timer")
        self.timer_at = datetime.now(UTC) + timedelta(seconds=TIMER_SECONDS)
        until_then = self.timer_at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        await self.client.signalled(self.runs["timer"], type="pause", pause_until=until_then)

    async def metrics(self) -> Any:
        """As soon as they count all that has happened."""
        found: list[Any] = []

        async def are_current() -> bool:
            answer = await self.client.get(f"/playbooks/{self.playbook_id}/metrics?period=30d")
            found.append(answer.data()["metrics"]["execution_stats"])
            return answer.headers.get("x-consistency") != "behind"

        await asyncio.wait_for(until(are_current, every_seconds=0.2), SECONDS)
        stats = found[-1]
        return {name: stats[name] for name in ("total_runs", "completed_runs")}

    async def timelines(self) -> dict[str, list[dict[str, Any]]]:
        return {
            run_id: (await self.client.get(f"/playbook-runs/{run_id}/timeline")).data()["timeline"]
            for run_id in self.acknowledged
        }

    async def check(self) -> None:
        """All that was acknowledged is there, and every chain holds against the engine's head."""
        for run_id, steps in self.acknowledged.items():
            answer = await self.client.get(f"/playbook-runs/{run_id}")
            assert answer.status == 200, (self.runs, run_id, answer.body)
            assert sum(step["status"] == "completed" for step in answer.data()["steps_status"]) == steps, run_id

            async def is_verified(run_id: str = run_id) -> bool:
                answer = await self.client.get(f"/playbook-runs/{run_id}/timeline/verification")
                return bool(answer.data()["status"] == "verified")

            await asyncio.wait_for(until(is_verified, every_seconds=0.2), SECONDS)
        assert (await self.run("encrypted"))["data"]["ssn"] == SECRET

    async def check_that_work_goes_on(self) -> None:
        """Open steps are completed, a paused run goes on, the timer fires, and the webhook has its secret still."""
        completed = await self.complete("open", 2)
        assert completed["run_status"]["overall_status"] == "completed"
        assert (await self.complete("encrypted", 2))["run_status"]["overall_status"] == "completed"
        await self.client.signalled(self.runs["paused"], type="resume")
        await self.complete("paused", 1)

        async def has_gone_on() -> bool:
            return bool((await self.run("timer"))["status"] == "active")

        await asyncio.wait_for(until(has_gone_on, every_seconds=0.2), SECONDS)
        assert datetime.now(UTC) >= self.timer_at
        await self.complete("timer", 1)

        async def is_told() -> bool:
            told = [request.verified(self.webhook_secret) for request in self.hook.at("/hook")]
            return self.runs["open"] in {message["data"]["run_id"] for message in told}

        await asyncio.wait_for(until(is_told, every_seconds=0.2), SECONDS)


@pytest.fixture
async def hook() -> AsyncIterator[Endpoint]:
    async with endpoint() as taken:
        yield taken


async def up(command: CommandLine) -> RunningStack:
    started = await command.run("up", **SETTINGS)
    assert started.code == 0, started.err
    return RunningStack(command.folder, command.plan, "hera")


async def restored(command: CommandLine, *arguments: str) -> RunningStack:
    done = await command.run("restore", *arguments)
    assert done.code == 0, done.out + done.err
    return await up(command)


def modes(folder: Path) -> set[int]:
    return {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}


async def test_the_drill(command: CommandLine, hook: Endpoint, tmp_path: Path) -> None:
    office = Office(Client(tenant(await up(command))), hook)
    await office.work()
    counted, timelines = await office.metrics(), await office.timelines()
    backup = str(tmp_path / "backup")
    done = await command.run("backup", backup)
    assert done.code == 0, done.out + done.err
    assert "keep the folder as you keep the keys" in done.out
    assert modes(tmp_path / "backup" / "keys") == {0o600}
    await office.check()  # the services run again
    assert (await command.run("down")).code == 0

    elsewhere = CommandLine(tmp_path / "elsewhere")
    try:
        office.move_to(await restored(elsewhere, backup))
        assert modes(elsewhere.folder.path) >= {0o600}
        assert (elsewhere.folder.path / "encryption.keys").read_text() == command.folder.encryption_keys()
        await office.check()
        found = await office.timelines()  # the timer may have fired meanwhile
        assert {run_id: found[run_id][: len(told)] for run_id, told in timelines.items()} == timelines
        assert await office.metrics() == counted
        await office.check_that_work_goes_on()
        verified = await elsewhere.run("verify")
        assert verified.code == 0, verified.out
        assert "checked, all hold" in verified.out

        refused = await elsewhere.run("restore", backup)
        assert refused.code == 1
        assert "is not empty" in refused.err and "--replace" in refused.err
    finally:
        office.client.close()
        await elsewhere.run("down")


@pytest.mark.parametrize("older", ["mongodb", "kafka"])
async def test_work_goes_on_though_one_store_is_older(
    command: CommandLine, hook: Endpoint, tmp_path: Path, older: str
) -> None:
    """What was acknowledged between the two backups is carried out again, or was kept."""
    office = Office(Client(tenant(await up(command))), hook)
    await office.work()
    first, second = str(tmp_path / "first"), str(tmp_path / "second")
    assert (await command.run("backup", first)).code == 0
    await office.complete("open", 2)
    await office.start("later")
    await office.complete("later", 1)
    counted = await office.metrics()
    assert (await command.run("backup", second)).code == 0
    mongodb, kafka = (first, second) if older == "mongodb" else (second, first)
    office.move_to(await restored(command, mongodb, "--kafka-from", kafka, "--replace"))

    async def is_there() -> bool:
        answer = await office.client.get(f"/playbook-runs/{office.runs['later']}")
        return answer.status == 200 and answer.data()["steps_status"][0]["status"] == "completed"

    await asyncio.wait_for(until(is_there, every_seconds=0.2), SECONDS)
    await office.check()
    assert await office.metrics() == counted
    await office.complete("later", 2)
    verified = await command.run("verify")
    assert verified.code == 0, verified.out
    office.client.close()


async def test_a_damaged_backup_is_refused_before_anything_is_written(command: CommandLine, tmp_path: Path) -> None:
    assert (await command.up()).code == 0
    backup = tmp_path / "backup"
    assert (await command.run("backup", str(backup))).code == 0
    again = await command.run("backup", str(backup))
    assert (again.code, "is not empty" in again.err) == (1, True)
    manifest = BackupFolder(backup).manifest()
    name = next(iter(manifest.files))
    content = (backup / name).read_bytes()
    for damage, told in (
        (lambda: (backup / name).write_bytes(content + b"x"), "is damaged"),
        (lambda: (backup / name).unlink(), "is missing"),
        (lambda: BackupFolder(backup).finish(manifest.model_copy(update={"format": 9})), "has format 9"),
        (lambda: (backup / "manifest.json").write_text("{"), "is damaged"),
        (lambda: (backup / "manifest.json").unlink(), "it is no backup"),
    ):
        damage()
        refused = await command.run("restore", str(backup))
        assert (refused.code, told in refused.err) == (1, True), refused.err
    missing = await command.run("restore", str(tmp_path / "nowhere"))
    assert (missing.code, "There is no folder" in missing.err) == (1, True)
