"""A further process of a service beside the stack's own: what scales out runs more than once."""

import asyncio
import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator

from deploy.local import ports
from deploy.local.folder import CHECKOUT
from deploy.local.health import is_ready
from deploy.local.waiting import until
from tests.running_stack import RunningStack

READY_SECONDS = 60.0


class Another:
    """On the stack's infrastructure, with settings of its own."""

    def __init__(self, stack: RunningStack, service: str, **over: str) -> None:
        self.port = ports.free_port(set(stack.plan.ports.values()))
        self._service = service
        self._log = stack.folder.log(f"{service}-2")
        self._environment = os.environ | stack.plan.programs[service].environment | {"HTTP_PORT": str(self.port)} | over
        self._process = self._started()

    def _started(self) -> subprocess.Popen[bytes]:
        with self._log.open("ab") as log:
            command = [sys.executable, "-m", f"services.{self._service}"]
            return subprocess.Popen(command, cwd=CHECKOUT, env=self._environment, stdout=log, stderr=log)

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
    process = Another(stack, service, **over)
    try:
        yield process
    finally:
        process.stop()
