"""Automated steps by HTTP, from the playbook to the timeline: answers, retries, people instead, attacks, a crash."""

import uuid
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from itertools import cycle
from typing import Any

import httpx
import orjson
import pytest
import pytest_asyncio

from tests.conftest import provided_stack
from tests.e2e.clear_text import everything, found_in
from tests.e2e.rest import Rest
from tests.infrastructure import Choice
from tests.integration.automation.conftest import Endpoint, http, serving
from tests.integration.running import eventually
from tests.running_stack import RunningStack


@dataclass
class Site:
    """A stack whose organisations have their endpoints at one server, and somebody of one of them."""

    stack: RunningStack
    endpoint: Endpoint
    rest: Rest

    async def run_of(self, endpoint: str, **config: Any) -> str:
        """Id of a run whose only step is a call to the endpoint."""
        return await self.rest.started(await self.playbook_of(endpoint, **config))

    async def playbook_of(self, endpoint: str, **config: Any) -> str:
        smart_code = f"HERA.TEST.PLAYBOOK.CALLS.T{uuid.uuid4().hex[:12].upper()}.v1"
        config = {"api_endpoint": endpoint, "timeout_seconds": 2, **config}
        step = {"name": "Contract", "sequence": 1, "step_type": "automated", "automation_config": config}
        return await self.rest.created({"name": "Calls", "smart_code": smart_code, "steps": [step]})

    async def ended(self, run_id: str) -> Any:
        """The run, once it has."""

        async def over() -> Any:
            run = await self.rest.data("GET", f"/playbook-runs/{run_id}")
            return run if run["status"] in ("completed", "failed") else None

        return await eventually(over)

    async def events(self, run_id: str) -> list[Any]:
        path = f"/playbook-runs/{run_id}/timeline?include_system_events=true"
        return list((await self.rest.data("GET", path))["timeline"])

    async def signals(self, run_id: str, kind: str) -> None:
        await self.rest.data("POST", f"/playbook-runs/{run_id}/signal", {"signal": {"type": kind, "reason": "test"}})

    async def given_clear_values(self, run_id: str) -> dict[str, int]:
        """Returns how many calls of each step were given the ssn in clear, by the run's access log."""
        cursor: str | None = ""
        mine: list[Any] = []
        while cursor is not None:  # between them are the tester's own reads
            page = await self.rest.data("GET", f"/playbook-runs/{run_id}/access-log?limit=100{cursor}")
            mine += [record for record in page["access_log"] if record.get("user") == "automation"]
            cursor = f"&cursor={page['next']}" if page["next"] else None
        assert all((record["operation"], record["fields"]) == ("automated_call", ["ssn"]) for record in mine)
        return Counter(record["step_id"] for record in mine)

    def keys_of(self, run_id: str) -> list[str]:
        return [headers["idempotency-key"] for headers, _ in self.endpoint.asked_for(run_id)]


@pytest.fixture(scope="module")
def calling(
    free_tcp_port_factory: Callable[[], int],
    infrastructure_choice: Choice,
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[RunningStack, int]]:
    """A stack, and the port of the server at which its organisations have their endpoints."""
    port = free_tcp_port_factory()
    settings = {
        "AUTOMATION_BASE_URLS": orjson.dumps({"*": f"http://127.0.0.1:{port}/hera"}).decode(),
        "AUTOMATION_ALLOWED_HOSTS": orjson.dumps([f"localhost:{port}"]).decode(),
        "AUTOMATION_LEASE_MARGIN_SECONDS": "1",
        "AUTOMATION_IDLE_SECONDS": "0.1",
        "AUTOMATION_CIRCUIT_FAILURES": "3",
        "AUTOMATION_CIRCUIT_SECONDS": "8",
    }
    with provided_stack(infrastructure_choice, request, tmp_path_factory.mktemp("calling"), settings) as stack:
        yield stack, port


@pytest_asyncio.fixture(loop_scope="session")
async def site(calling: tuple[RunningStack, int]) -> AsyncIterator[Site]:
    stack, port = calling
    async with (
        serving(port) as endpoint,
        httpx.AsyncClient(base_url=stack.gateway_url, trust_env=False, timeout=30) as client,
    ):
        yield Site(stack, endpoint, Rest(stack, cycle((client,)), f"org_{uuid.uuid4().hex[:12]}"))


async def test_the_answer_becomes_the_runs_data_and_all_tries_carry_one_key(site: Site) -> None:
    answers = iter([http(503), http(429, headers="retry-after: 1\r\n"), http(200, b'{"contract_id": "c_1"}')])
    site.endpoint.answers["/hera/contracts"] = lambda: next(answers)
    run_id = await site.run_of("/contracts")
    assert (await site.ended(run_id))["data"] == {"contract_id": "c_1"}
    assert site.keys_of(run_id) == [f"{run_id}:step_001:1"] * 3
    told = [entry["event_type"] for entry in await site.events(run_id)]
    assert told.count("automation_attempt_failed") == 2


async def test_what_an_endpoint_is_sent_in_clear_and_says_again_stands_nowhere(site: Site) -> None:
    ssn, member, plan = (uuid.uuid4().hex for _ in range(3))
    echo = orjson.dumps({"error": f"no such number: {ssn}", "ssn": ssn})
    tries = iter([http(503, echo), http(200, orjson.dumps({"member": member, "plan": plan, "deep": [{"ssn": ssn}]}))])
    site.endpoint.answers |= {"/hera/insures": lambda: next(tries), "/hera/refuses-ssn": lambda: http(400, echo)}
    form = {"form_fields": [{"name": "ssn", "type": "text", "encrypted": True}]}
    config = {"timeout_seconds": 2, "sensitive_fields": ["ssn"]}
    outputs = {"required_outputs": [{"name": "member", "type": "text", "encrypted": True}]}
    steps = [
        {"name": "Registration", "sequence": 1, "step_type": "form", "metadata": form},
        {"name": "Insurance", "sequence": 2, "step_type": "automated", "metadata": outputs,
         "automation_config": {"api_endpoint": "/insures", **config}},
        {"name": "Check", "sequence": 3, "step_type": "automated",
         "automation_config": {"api_endpoint": "/refuses-ssn", **config}},
    ]  # fmt: skip
    smart_code = f"HERA.TEST.PLAYBOOK.CALLS.T{uuid.uuid4().hex[:12].upper()}.v1"
    playbook = {"name": "Secrets", "smart_code": smart_code, "steps": steps}
    run_id = await site.rest.started(await site.rest.created(playbook))
    assert (await site.rest.complete(run_id, 1, data={"ssn": ssn})).status_code == 200
    assert (await site.ended(run_id))["status"] == "failed"
    assert [body["data"].get("ssn") for _, body in site.endpoint.asked_for(run_id)] == [ssn] * 3
    assert await site.given_clear_values(run_id) == {"step_002": 2, "step_003": 1}
    places = found_in(await everything(site.stack), [ssn, member, plan])
    assert (places[ssn], places[member]) == (set(), set())
    assert {"run.commands", "run.events", "_run_engine.runs"} <= places[plan]


async def test_people_take_over_where_the_endpoint_refuses(site: Site) -> None:
    site.endpoint.answers["/hera/refuses"] = lambda: http(404, b"no such template")
    run_id = await site.run_of("/refuses", fallback_to_manual=True)

    async def offered() -> bool:
        tasks = (await site.rest.data("GET", "/tasks"))["tasks"]
        return [task["run_id"] for task in tasks] == [run_id]

    await eventually(offered)
    (fell,) = [e for e in await site.events(run_id) if e["event_type"] == "automation_fell_back"]
    assert fell["details"]["reason"] == "the endpoint answered 404: no such template"
    assert (await site.rest.complete(run_id, 1, data={"contract_id": "by hand"})).status_code == 200
    assert (await site.ended(run_id))["status"] == "completed"


async def test_a_playbook_cannot_reach_inside_though_its_host_is_allowed(site: Site) -> None:
    run_id = await site.run_of(f"http://localhost:{site.endpoint.port}/secret")
    assert (await site.ended(run_id))["status"] == "failed"
    (failed,) = [e for e in await site.events(run_id) if e["event_type"] == "step_failed"]
    assert "is not open to calls from here" in failed["details"]["reason"]
    assert site.endpoint.asked_for(run_id) == []


async def test_a_call_in_the_middle_of_which_the_service_is_killed_is_made_again_with_its_key(site: Site) -> None:
    run_id = await site.run_of("/silent")

    async def asked() -> bool:
        return bool(site.endpoint.asked_for(run_id))

    await eventually(asked)
    site.endpoint.answers["/hera/silent"] = lambda: http(200, b'{"made": "again"}')
    await site.stack.kill_and_wait("automation")
    assert (await site.ended(run_id))["data"] == {"made": "again"}
    assert len(set(site.keys_of(run_id))) == 1
    assert "automation_attempt_failed" not in [e["event_type"] for e in await site.events(run_id)]


async def test_a_job_that_waits_for_its_host_is_called_when_its_paused_run_goes_on_and_never_once_it_is_cancelled(
    site: Site,
) -> None:
    """The host's circuit opens, so that they wait, and closes while one run is paused and the other cancelled."""
    site.endpoint.answers["/hera/fragile"] = lambda: http(500)
    playbook_id = await site.playbook_of("/fragile", retry_attempts=0)
    breaking = [await site.rest.started(playbook_id) for _ in range(3)]
    assert {(await site.ended(run_id))["status"] for run_id in breaking} == {"failed"}
    paused, cancelled = await site.rest.started(playbook_id), await site.rest.started(playbook_id)
    await site.signals(paused, "pause")
    await site.signals(cancelled, "cancel")

    site.endpoint.answers["/hera/fragile"] = lambda: http(200, b'{"called": true}')
    others = [await site.rest.started(playbook_id) for _ in range(2)]
    for run_id in others:
        assert (await site.ended(run_id))["data"] == {"called": True}
    assert site.endpoint.asked_for(paused) == site.endpoint.asked_for(cancelled) == []

    await site.signals(paused, "resume")
    assert (await site.ended(paused))["data"] == {"called": True}
    assert len(site.keys_of(paused)) == 1
    assert site.endpoint.asked_for(cancelled) == []
    told = [entry["event_type"] for entry in await site.events(cancelled)]
    assert told[-1] == "run_cancelled" and "late_result_recorded" not in told
