"""The automation service between taps on its topics, and an endpoint that it can call."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import orjson
import pytest_asyncio

from contracts import topics
from contracts.jobs import AutomationJob
from services.automation.main import build
from services.automation.settings import AutomationSettings
from shared.clock import now
from shared.ids import new_id
from shared.kafka import Publisher
from shared.messages import OutgoingMessage, command_message
from shared.service import Service
from tests.infrastructure import Infrastructure
from tests.integration.running import Tap, publishing, running, tap, without_traces

ORGANIZATION, WITHOUT_BASE = "org_http", "org_workers"


@dataclass
class Endpoint:
    """An HTTP server that answers as told, and keeps what it was asked."""

    port: int = 0
    requests: list[tuple[dict[str, str], dict[str, Any]]] = field(default_factory=list)
    answers: dict[str, Callable[[], bytes]] = field(default_factory=dict)
    """By path; a path without an answer is never answered."""

    def asked_for(self, run_id: str) -> list[tuple[dict[str, str], dict[str, Any]]]:
        return [request for request in self.requests if request[1]["run_id"] == run_id]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
                await self._serve_one(reader, writer)
        finally:
            writer.close()

    async def _serve_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().strip().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        body = await reader.readexactly(int(headers["content-length"]))
        self.requests.append((headers, orjson.loads(body)))
        answer = self.answers.get(first.split()[1])
        if answer is None:
            await reader.read()  # until the caller gives up
            return
        writer.write(answer())
        await writer.drain()


def http(status: int, body: bytes = b"", headers: str = "") -> bytes:
    return f"HTTP/1.1 {status} X\r\ncontent-length: {len(body)}\r\n{headers}connection: close\r\n\r\n".encode() + body


@dataclass
class Bench:
    """The running service and what is around it."""

    service: Service
    publisher: Publisher
    endpoint: Endpoint
    commands: Tap
    worker_jobs: Tap
    parked_results: Tap
    settings: AutomationSettings

    @property
    def jobs(self) -> Any:
        return self.service.mongo.collection("jobs")

    async def result_of(self, job: AutomationJob) -> dict[str, Any]:
        found = await self.commands.find(lambda d: d["data"].get("job_id") == job.job_id)
        return found[0]

    async def publish(self, *messages: OutgoingMessage) -> None:
        await self.publisher.publish(messages)


def job(endpoint: str | None, organization: str = ORGANIZATION, **over: Any) -> AutomationJob:
    run_id = new_id("run")
    fields = {
        "job_id": f"{run_id}:step_004:1:1", "run_id": run_id, "organization_id": organization,
        "step_id": "step_004", "step_name": "Contract Preparation", "attempt_number": 1,
        "idempotency_key": f"{run_id}:step_004:1", "api_endpoint": endpoint, "timeout_seconds": 5,
        "config": {"retry_attempts": 3}, "data": {"a.b": 1, "$set": 2**63}, "context": {"entity_id": "cust_1"},
        "created_at": now(),
    }  # fmt: skip
    return AutomationJob.model_validate(fields | over)


def job_message(wanted: AutomationJob) -> OutgoingMessage:
    return command_message(
        topics.AUTOMATION_JOBS.name, wanted.run_id, wanted, message_id=wanted.job_id,
        organization_id=wanted.organization_id, correlation_id="req-é-1", time=now(),
    )  # fmt: skip


@contextlib.asynccontextmanager
async def serving(port: int = 0) -> AsyncIterator[Endpoint]:
    endpoint = Endpoint()
    server = await asyncio.start_server(endpoint.serve, "127.0.0.1", port)
    endpoint.port = server.sockets[0].getsockname()[1]
    async with server:
        yield endpoint


def automation_settings(infrastructure: Infrastructure, port: int, **over: Any) -> AutomationSettings:
    return AutomationSettings.model_validate(
        {name.lower(): value for name, value in infrastructure.settings.items()}
        | {
            "database_prefix": new_id("test").replace("-", "")[:20],
            "shutdown_seconds": 2,
            "automation_base_urls": {ORGANIZATION: f"http://127.0.0.1:{port}/hera"},
            "automation_allowed_hosts": [f"localhost:{port}"],
            "automation_idle_seconds": 0.1,
            "automation_max_result_bytes": 2048,
            "automation_circuit_failures": 1000,
        }
        | over
    )


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def bench(infrastructure: Infrastructure) -> AsyncIterator[Bench]:
    servers = infrastructure.bootstrap_servers
    async with contextlib.AsyncExitStack() as stack:
        endpoint = await stack.enter_async_context(serving())
        settings = automation_settings(infrastructure, endpoint.port)
        commands = await stack.enter_async_context(tap(servers, topics.RUN_COMMANDS))
        worker_jobs = await stack.enter_async_context(tap(servers, topics.WORKER_JOBS))
        parked = await stack.enter_async_context(tap(servers, topics.WORKER_RESULTS.parked))
        publisher = await stack.enter_async_context(publishing(Publisher(settings, "test")))
        service = await stack.enter_async_context(running(without_traces(build(settings))))
        yield Bench(service, publisher, endpoint, commands, worker_jobs, parked, settings)
