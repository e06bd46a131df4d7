"""`python -m deploy.local` as a person or a crash would use it."""

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from deploy.local import plan, processes
from deploy.local.folder import CHECKOUT, Folder
from deploy.local.waiting import until

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
        self.environment = os.environ | {"HERA_DATA_DIR": str(path), "HERA_GATEWAY_PORT": "0", "HERA_KAFKA_1_PORT": "0"}

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
