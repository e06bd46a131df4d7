"""One request, one trace: from the HTTP answer over the engine to both projections, at a real OTLP receiver."""

import asyncio
import gzip
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from deploy.local import stack, tokens
from deploy.local.folder import Folder
from deploy.local.plan import Wishes
from deploy.local.ports import HOST, free_port
from tests.e2e.clients import tasks_in_a_row

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
CLIENTS = f"00-{TRACE}-00f067aa0ba902b7-01"
ORGANIZATION = "org_traced"


@dataclass(frozen=True)
class Seen:
    """A span as it arrived."""

    service: str
    name: str
    span_id: str
    parent_id: str
    attributes: dict[str, str] = field(hash=False)


@dataclass
class Receiver:
    spans: dict[str, list[Seen]] = field(default_factory=dict)
    """By trace."""

    async def take(self, request: web.Request) -> web.Response:
        body = await request.read()
        body = gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            named = {a.key: a.value.string_value for a in resource.resource.attributes}
            for span in (span for scope in resource.scope_spans for span in scope.spans):
                attributes = {a.key: a.value.string_value for a in span.attributes}
                seen = Seen(named["service.name"], span.name, span.span_id.hex(), span.parent_span_id.hex(), attributes)
                self.spans.setdefault(span.trace_id.hex(), []).append(seen)
        return web.Response(content_type="application/x-protobuf")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def receiver() -> AsyncIterator[tuple[Receiver, int]]:
    made, app = Receiver(), web.Application()
    app.router.add_post("/v1/traces", made.take)
    runner = web.AppRunner(app)
    await runner.setup()
    port = free_port(set())
    await web.TCPSite(runner, HOST, port).start()
    yield made, port
    await runner.cleanup()


@pytest.fixture(scope="module")
def traced(receiver: tuple[Receiver, int], tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Folder, str]]:
    """All services, with a collector."""
    folder = Folder(Path(tmp_path_factory.mktemp("traced")))
    environment = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{HOST}:{receiver[1]}", "OTEL_BSP_SCHEDULE_DELAY": "100"}
    started = stack.up(folder, Wishes(ports={"gateway": 0}, environment=environment), report=lambda _: None)
    try:
        yield folder, f"http://{HOST}:{started.plan.ports['gateway']}"
    finally:
        stack.down(folder)


async def until(receiver: Receiver, trace: str, *services: str) -> list[Seen]:
    async with asyncio.timeout(20):
        while True:
            seen = receiver.spans.get(trace, [])
            if set(services) <= {span.service for span in seen}:
                return seen
            await asyncio.sleep(0.1)


async def test_a_request_and_all_that_it_causes_are_one_tree(
    traced: tuple[Folder, str], receiver: tuple[Receiver, int]
) -> None:
    folder, url = traced
    token = tokens.make_token(folder.jwt_secret(), "tester", ORGANIZATION, permissions=("*",))
    headers = {"Authorization": f"Bearer {token}"}
    own: dict[str, Any] = {"organization_id": ORGANIZATION}
    async with httpx.AsyncClient(base_url=f"{url}/api/v1", headers=headers, trust_env=False, timeout=30) as http:
        created = await http.post("/playbooks", json={**own, "playbook": tasks_in_a_row(1)})
        run = {"playbook_id": created.json()["data"]["playbook_id"], "initial_data": {"iban": "DE1234"}}
        run_id = (await http.post("/playbook-runs", json={**own, "run": run})).json()["data"]["run_id"]
        complete, asked = (
            {**own, "completion": {"outcome": "success"}},
            {"traceparent": CLIENTS, "X-Request-ID": "req-7"},
        )
        answer = await http.post(f"/playbook-runs/{run_id}/steps/step_001/complete", json=complete, headers=asked)
        assert answer.status_code == 200, answer.text
    spans = await until(receiver[0], TRACE, "hera-gateway", "hera-run_engine", "hera-timeline", "hera-analytics")
    by_id = {span.span_id: span for span in spans}
    (root,) = [span for span in spans if span.service == "hera-gateway"]
    assert root.parent_id == CLIENTS.split("-")[2]
    assert root.name == "POST /api/v1/playbook-runs/{run_id}/steps/{step_id}/complete"
    (engine,) = [span for span in spans if span.service == "hera-run_engine"]
    assert (by_id[engine.parent_id], engine.name) == (root, "process run.commands")
    assert engine.attributes["hera.message_type"] == "CompleteStep"
    for projection in ("hera-timeline", "hera-analytics"):
        events = [span for span in spans if span.service == projection]
        assert {by_id[span.parent_id] for span in events} == {engine}
        assert {span.attributes["hera.message_type"] for span in events} == {"StepCompleted", "RunCompleted"}
    assert {span.attributes["hera.correlation_id"] for span in spans} == {"req-7"}
    assert {span.attributes.get("hera.key", run_id) for span in spans} == {run_id}
    assert "DE1234" not in str(receiver[0].spans)
