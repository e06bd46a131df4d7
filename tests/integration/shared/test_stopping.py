"""How a service's process ends: a stop by SIGTERM is a success, a start that can't succeed is not."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from urllib.error import URLError
from urllib.request import urlopen

from deploy.local.ports import free_port
from tests.infrastructure import SERVICE_TOKEN, Infrastructure

DEADLINE_SECONDS = 60.0
NOWHERE = {
    "MONGODB_URI": "mongodb://127.0.0.1:9/?replicaSet=rs0",
    "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:9",
    "SERVICE_TOKEN": SERVICE_TOKEN,
}
BROKEN = """
from shared.service import Service, run
from shared.settings import ServiceSettings

async def broken() -> None:
    raise ValueError("this can't be started")

service = Service("broken", ServiceSettings())
service.before.append(broken)
run(service)
"""


class Process:
    def __init__(self, arguments: list[str], environment: Mapping[str, str]) -> None:
        self._port = free_port(set())
        # A pipe that nobody reads would stop a service that says much.
        self._output = tempfile.TemporaryFile("w+")  # noqa: SIM115 - open as long as the process
        self.popen = subprocess.Popen(
            [sys.executable, *arguments],
            env={**os.environ, **environment, "HTTP_HOST": "127.0.0.1", "HTTP_PORT": str(self._port)},
            stdout=self._output,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def until_answers(self, path: str) -> None:
        deadline = time.monotonic() + DEADLINE_SECONDS
        while not self._answers(path):
            assert self.popen.poll() is None, f"ended with {self.popen.returncode}"
            assert time.monotonic() < deadline, f"{path} is not there"
            time.sleep(0.1)

    def _answers(self, path: str) -> bool:
        try:
            with urlopen(f"http://127.0.0.1:{self._port}{path}", timeout=5) as answer:
                return bool(answer.status == 200)
        except (URLError, OSError):
            return False

    def told_to_stop(self) -> tuple[int, list[str]]:
        """The exit code, and the events that were logged from then on or before."""
        self.popen.send_signal(signal.SIGTERM)
        return self.ended()

    def ended(self) -> tuple[int, list[str]]:
        self.popen.wait(DEADLINE_SECONDS)
        with self._output as output:
            output.seek(0)
            return self.popen.returncode, [json.loads(line)["event"] for line in output]


def test_a_ready_service_ends_with_0_when_it_is_told_to_stop(
    infrastructure: Infrastructure, database_prefix: str
) -> None:
    process = Process(["-m", "services.run_engine"], infrastructure.settings | {"DATABASE_PREFIX": database_prefix})
    process.until_answers("/health/ready")
    code, events = process.told_to_stop()
    assert (code, events[-1]) == (0, "stopped")


def test_a_service_that_still_waits_for_its_infrastructure_ends_with_0_too() -> None:
    process = Process(["-m", "services.timeline"], NOWHERE)
    process.until_answers("/metrics")
    code, events = process.told_to_stop()
    assert (code, events[-1]) == (0, "stopped")


def test_a_service_that_can_not_start_ends_with_1(infrastructure: Infrastructure, database_prefix: str) -> None:
    process = Process(["-c", BROKEN], infrastructure.settings | {"DATABASE_PREFIX": database_prefix})
    code, events = process.ended()
    assert code == 1
    assert "start_failed" in events
