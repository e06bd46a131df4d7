"""The local stack's command line, as a person or a crash would use it; mostly without the services, for speed."""

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import pymongo
import pytest

from deploy.local import plan, processes, stack
from deploy.local.folder import CHECKOUT, Folder
from deploy.local.ports import free_port
from deploy.local.readiness import until_topics_exist
from deploy.local.supervisor import Control
from deploy.local.waiting import until
from deploy.topics import missing_topics

SECONDS = 180.0


@dataclass(frozen=True, slots=True)
class Ended:
    code: int
    out: str
    err: str


def _heeds_interrupts() -> None:
    """Whoever runs the tests in the background of a script has them ignored, by all that they start too."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


class CommandLine:
    """`python -m deploy.local` on a data folder of its own, with a space, a semicolon and a quote in its path."""

    def __init__(self, path: Path) -> None:
        self.folder = Folder(path)
        self.environment = os.environ | {"HERA_DATA_DIR": str(path), "HERA_GATEWAY_PORT": "0"}

    async def start(self, *arguments: str, **environment: str) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "deploy.local", *arguments),
            cwd=CHECKOUT,
            env=self.environment | environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            preexec_fn=_heeds_interrupts,
        )

    async def run(self, *arguments: str, **environment: str) -> Ended:
        return await ended(await self.start(*arguments, **environment))

    async def up(self, **environment: str) -> Ended:
        return await self.run("up", "--only", "infrastructure", **environment)

    @property
    def plan(self) -> plan.Plan:
        found = plan.load(self.folder)
        assert found is not None
        return found

    def identity(self, program: str) -> processes.Identity:
        return processes.recorded(self.folder.processes)[program]

    def pids(self) -> set[int]:
        """Of every process that carries this folder in its environment, known to the stack or not."""
        mark = f"HERA_DATA_DIR={self.folder.path}".encode()
        return {int(path.name) for path in Path("/proc").glob("[0-9]*") if mark in _environment(path)}

    async def until_nothing_runs(self) -> None:
        await within(until(lambda: _true(not self.pids())), 20)


def _environment(process: Path) -> list[bytes]:
    try:
        return (process / "environ").read_bytes().split(b"\0")
    except OSError:
        return []


async def _true(value: bool) -> bool:
    return value


async def within(work: Awaitable[None], seconds: float = SECONDS) -> None:
    await asyncio.wait_for(work, seconds)


async def when(condition: Callable[[], bool]) -> None:
    await within(until(lambda: _true(condition())))


async def ended(process: asyncio.subprocess.Process) -> Ended:
    out, err = await asyncio.wait_for(process.communicate(), SECONDS)
    assert process.returncode is not None
    assert b"Traceback" not in err
    return Ended(process.returncode, out.decode(), err.decode())


@pytest.fixture
async def command(tmp_path: Path) -> AsyncIterator[CommandLine]:
    line = CommandLine(tmp_path / "a folder; it's mine")
    yield line
    stack.down(line.folder)
    assert line.pids() == set()


async def test_up_and_down_say_what_is_so_and_start_what_is_missing(command: CommandLine) -> None:
    first = await command.up()
    assert (first.code, first.err) == (0, "")
    assert "mongod" in first.out and "Up in" in first.out
    assert await missing_topics(command.plan.addresses.kafka_bootstrap_servers) == set()
    again = await command.up()
    assert (again.code, again.out) == (0, "Already up: MongoDB and the broker\n")
    Control(command.plan).stop("mongod")
    restarted = await command.up()
    assert restarted.code == 0 and command.identity("mongod").alive
    with command.folder.locked():
        assert "Another `up` or `down` is at work" in (await command.up()).err
    down = await command.run("down")
    assert (down.code, down.out) == (0, "Stopped: broker, mongod, supervisord.\n")
    assert command.pids() == set()
    assert (await command.run("down")).out == "Nothing was running.\n"


async def test_mongodb_keeps_its_data_when_it_comes_back_on_another_port(command: CommandLine) -> None:
    await command.up()
    with pymongo.MongoClient[dict[str, object]](command.plan.addresses.mongodb_uri) as client:
        client.kept.things.insert_one({"_id": 1})
    await command.run("down")
    port = free_port({command.plan.ports["mongod"]})
    back = await command.up(HERA_MONGOD_PORT=str(port))
    assert back.code == 0, back.err
    with pymongo.MongoClient[dict[str, object]](f"mongodb://127.0.0.1:{port}/?replicaSet=rs0") as client:
        assert client.kept.things.find_one() == {"_id": 1}


async def test_a_killed_program_comes_back_and_the_broker_with_its_topics(command: CommandLine) -> None:
    await command.up()
    killed = {name: command.identity(name) for name in ("mongod", "broker")}
    for identity in killed.values():
        identity.send(signal.SIGKILL)
    await when(lambda: all(command.identity(name) != identity for name, identity in killed.items()))
    servers = command.plan.addresses.kafka_bootstrap_servers
    await within(until_topics_exist(servers))


async def test_nothing_outlives_a_killed_supervisord_and_up_starts_anew(command: CommandLine) -> None:
    await command.up()
    command.identity("supervisord").send(signal.SIGKILL)
    await command.until_nothing_runs()
    assert (await command.run("status")).code == 1
    assert (await command.up()).code == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
async def test_an_interrupted_up_leaves_nothing(command: CommandLine, number: signal.Signals) -> None:
    process = await command.start("up", "--only", "infrastructure")
    await when(lambda: {"mongod", "broker"} <= processes.recorded(command.folder.processes).keys())
    process.send_signal(number)
    end = await ended(process)
    assert end.code == (-signal.SIGKILL if number == signal.SIGKILL else 130)
    await command.until_nothing_runs()


async def test_a_taken_port_is_named_with_the_setting_that_moves_it(command: CommandLine) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])
        end = await command.run("up", HERA_GATEWAY_PORT=port)
    assert end.code == 1
    assert f"Port {port}" in end.err and "HERA_GATEWAY_PORT" in end.err and end.err.count("\n") == 1
    assert command.pids() == set()


async def test_a_service_that_ends_at_its_start_is_named_with_its_words_and_leaves_nothing(
    command: CommandLine,
) -> None:
    end = await command.run("up", LOG_LEVEL="NOISY")
    assert end.code == 1
    assert "ended while it was starting: LOG_LEVEL=NOISY" in end.err and end.err.count("\n") == 1
    assert command.pids() == set()


async def test_a_missing_library_is_named_with_its_package(command: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "libcurl.so.4").touch()
    end = await command.up(LD_LIBRARY_PATH=str(tmp_path))
    assert end.code == 1
    assert "apt-get install libcurl4" in end.err and end.err.count("\n") == 1


async def test_what_an_earlier_start_left_is_no_obstacle_and_no_stranger_is_stopped(command: CommandLine) -> None:
    folder = command.folder
    folder.prepare()
    folder.state.write_text("{")
    (folder.path / "supervisord.pid").write_text("1\n")
    mine = processes.identity_of(os.getpid())
    assert mine is not None
    stranger = {"pid": mine.pid, "started": mine.started - 1, "boot": mine.boot}
    (folder.processes / "mongod.json").write_text(json.dumps(stranger))
    (folder.data("mongod")).mkdir(parents=True)
    (folder.data("mongod") / "mongod.lock").write_text("4711\n")
    end = await command.up()
    assert end.code == 0, end.err


async def test_a_token_is_all_that_token_prints(command: CommandLine) -> None:
    end = await command.run("token", "--sub", "ann", "--org", "org_1", "--roles", "a,b", "--ttl", "60")
    assert end.code == 0 and end.err == ""
    assert len(end.out.split()) == 1 and end.out.count(".") == 2
    assert (command.folder.path / "jwt.secret").stat().st_mode & 0o077 == 0
