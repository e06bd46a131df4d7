"""A further process of a service beside the stack's own: what scales out runs more than once."""

import asyncio
import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence

from deploy.local import ports
from deploy.local.folder import CHECKOUT
from deploy.local.health import is_ready
from deploy.local.waiting import until
from tests.running_stack import RunningStack

READY_SECONDS = 60.0


class Another:
    """On the stack's infrastructure, with settings of its own; `run_by` stands before the module that it runs."""

    def __init__(self, stack: RunningStack, service: str, over: Mapping[str, str], run_by: Sequence[str] = ()) -> None:
        self.port = ports.free_port(set(stack.plan.ports.values()))
        self._command = [sys.executable, "-m", *run_by, f"services.{service}"]
        self._log = stack.folder.log(f"{service}-2")
        self._environment = os.environ | stack.plan.programs[service].environment | {"HTTP_PORT": str(self.port)}
        self._environment["METRICS_PORT"] = ""  # the stack's own has it
        self._environment |= over
        self._process = self._started()

    def _started(self) -> subprocess.Popen[bytes]:
        with self._log.open("ab") as log:
            return subprocess.Popen(self._command, cwd=CHECKOUT, env=self._environment, stdout=log, stderr=log)

    def kill(self) -> None:
        """Kills -9 it and starts it again."""
        self._process.kill()
        self._process.wait(30)
        self._process = self._started()

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(30)

    async def until_ready(self) -> None:
        await asyncio.wait_for(until(lambda: is_ready(self.port)), READY_SECONDS)


@contextlib.contextmanager
def another(stack: RunningStack, service: str, **over: str) -> Iterator[Another]:
    """Before it is ready."""
    with _stopped_at_the_end(Another(stack, service, over)) as process:
        yield process


@contextlib.contextmanager
def skewed(stack: RunningStack, service: str, ahead_seconds: float) -> Iterator[Another]:
    """One whose clock is ahead; before it is ready."""
    with _stopped_at_the_end(Another(stack, service, {}, ("tests.skewed", str(ahead_seconds)))) as process:
        yield process


@contextlib.contextmanager
def _stopped_at_the_end(process: Another) -> Iterator[Another]:
    try:
        yield process
    finally:
        process.stop()
