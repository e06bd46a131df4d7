"""Named secrets of an organization: set over REST, sent with automated calls, and nowhere else."""

import uuid
from base64 import b64encode
from collections.abc import AsyncIterator, Callable, Iterator
from itertools import cycle
from typing import Any

import httpx
import orjson
import pytest
import pytest_asyncio
from standardwebhooks import Webhook

from tests.conftest import provided_stack
from tests.e2e.clear_text import everything, found_in
from tests.e2e.rest import Rest
from tests.infrastructure import Choice
from tests.integration.automation.conftest import Endpoint, http, serving
from tests.integration.running import eventually
from tests.running_stack import RunningStack


class Company:
    """An organization whose endpoints are at one server."""

    def __init__(self, stack: RunningStack, endpoint: Endpoint, rest: Rest) -> None:
        self.stack, self.endpoint, self.rest = stack, endpoint, rest

    async def put(self, name: str, value: str) -> Any:
        return await self.rest.data("PUT", f"/secrets/{name}", {"secret": {"value": value}})

    async def call(self, **auth: str) -> tuple[Any, dict[str, str]]:
        """Returns a run whose only step is a call with this `auth`, when it has ended, and the call's headers."""
        config = {"api_endpoint": "/contracts", "timeout_seconds": 5, "retry_attempts": 0, "auth": auth}
        step = {"name": "Contract", "sequence": 1, "step_type": "automated", "automation_config": config}
        smart_code = f"HERA.TEST.PLAYBOOK.SECRETS.T{uuid.uuid4().hex[:12].upper()}.v1"
        playbook = {"name": "Secrets", "smart_code": smart_code, "steps": [step]}
        run_id = await self.rest.started(await self.rest.created(playbook))

        async def over() -> Any:
            run = await self.rest.data("GET", f"/playbook-runs/{run_id}")
            return run if run["status"] in ("completed", "failed") else None

        run, asked = await eventually(over), self.endpoint.asked_for(run_id)
        return run, asked[0][0] if asked else {}

    async def records(self) -> list[Any]:
        found: list[Any] = (await self.rest.data("GET", "/organization/access-log?limit=100"))["access_log"]
        return found


@pytest.fixture(scope="module")
def calling(
    free_tcp_port_factory: Callable[[], int],
    infrastructure_choice: Choice,
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[RunningStack, int]]:
    port = free_tcp_port_factory()
    settings = {
        "AUTOMATION_BASE_URLS": orjson.dumps({"*": f"http://127.0.0.1:{port}/hera"}).decode(),
        "AUTOMATION_IDLE_SECONDS": "0.1",
    }
    with provided_stack(infrastructure_choice, request, tmp_path_factory.mktemp("secrets"), settings) as stack:
        yield stack, port


@pytest_asyncio.fixture(loop_scope="session")
async def company(calling: tuple[RunningStack, int]) -> AsyncIterator[Company]:
    stack, port = calling
    async with (
        serving(port) as endpoint,
        httpx.AsyncClient(base_url=stack.gateway_url, trust_env=False, timeout=30) as client,
    ):
        endpoint.answers["/hera/contracts"] = lambda: http(200, b"{}")
        yield Company(stack, endpoint, Rest(stack, cycle((client,)), f"org_{uuid.uuid4().hex[:12]}"))


def fresh() -> str:
    return f"secret-{uuid.uuid4().hex}"


async def test_calls_carry_the_secret_that_their_step_names(company: Company) -> None:
    value = fresh()
    await company.put("crm", value)
    _, bearer = await company.call(scheme="bearer", secret="crm")
    assert bearer["authorization"] == f"Bearer {value}"
    _, basic = await company.call(scheme="basic", secret="crm", user="hera")
    assert basic["authorization"] == f"Basic {b64encode(f'hera:{value}'.encode()).decode()}"
    _, header = await company.call(scheme="header", secret="crm", header="X-Api-Key")
    assert header["x-api-key"] == value
    run, signed = await company.call(scheme="signature", secret="crm")
    (body,) = (body for _, body in company.endpoint.asked_for(run["run_id"]))
    assert "auth" not in body["config"]
    Webhook(value.encode()).verify(orjson.dumps(body), signed)


async def test_a_secret_stands_in_no_store_no_topic_no_log_and_no_answer(company: Company) -> None:
    value = fresh()
    shown = [await company.put("crm", value), await company.rest.data("GET", "/secrets")]
    company.endpoint.answers["/hera/contracts"] = lambda: http(200, orjson.dumps({"echo": [f"Bearer {value}"]}))
    run, sent = await company.call(scheme="bearer", secret="crm")
    assert value in sent["authorization"] and run["data"]["echo"] == ["Bearer ********"]
    company.endpoint.answers["/hera/contracts"] = lambda: http(401, f"no such token: {value}".encode())
    run, _ = await company.call(scheme="bearer", secret="crm")
    shown += [
        run,
        await company.rest.data("GET", f"/playbook-runs/{run['run_id']}/timeline?include_system_events=true"),
    ]
    refused = await company.rest.error("PUT", "/secrets/crm", {"secret": {"value": f" {value}"}})
    assert (refused["status"], refused["details"]["field"]) == (400, "secret.value")
    shown += [refused, await company.records()]
    assert found_in([("answers", orjson.dumps(shown))], [value]) == {value: set()}
    assert found_in(await everything(company.stack), [value]) == {value: set()}


async def test_a_rotated_secret_is_sent_with_the_next_call_and_a_deleted_one_fails_it(company: Company) -> None:
    first, second = fresh(), fresh()
    assert [(await company.put("crm", value))["version"] for value in (first, first, second)] == [1, 1, 2]
    _, sent = await company.call(scheme="bearer", secret="crm")
    assert sent["authorization"] == f"Bearer {second}"
    await company.rest.data("DELETE", "/secrets/crm")
    assert (await company.rest.data("GET", "/secrets"))["secrets"] == []
    assert (await company.rest.error("DELETE", "/secrets/crm"))["status"] == 404
    run, sent = await company.call(scheme="bearer", secret="crm")
    assert (run["status"], sent) == ("failed", {})
    assert "the secret crm, which automation_config.auth names, is not set" in run["steps_status"][0]["reason"]


async def test_who_sets_uses_and_deletes_a_secret_is_in_the_access_log(company: Company) -> None:
    await company.put("crm", fresh())
    run, _ = await company.call(scheme="bearer", secret="crm")
    await company.rest.data("DELETE", "/secrets/crm")
    records = [record for record in await company.records() if record["fields"] == ["secret:crm"]]
    assert [(r["operation"], r["outcome"], r["user"]) for r in reversed(records)] == [
        ("put_secret", "allowed", "tester"),
        ("automated_call", "disclosed", "automation"),
        ("delete_secret", "allowed", "tester"),
    ]
    assert records[1]["run_id"] == run["run_id"] and records[1]["step_id"] == "step_001"


async def test_a_secret_belongs_to_its_organization_and_needs_its_permissions(company: Company) -> None:
    await company.put("crm", fresh())
    other = company.rest.elsewhere()
    assert (await other.data("GET", "/secrets"))["secrets"] == []
    assert (await other.error("DELETE", "/secrets/crm"))["status"] == 404
    nosy = company.rest.somebody("nosy", permissions=("run:*", "playbook:*", "audit:read"))
    for method, path, body in (
        ("GET", "/secrets", None), ("DELETE", "/secrets/crm", None),
        ("PUT", "/secrets/crm", {"secret": {"value": fresh()}}),
    ):  # fmt: skip
        assert (await nosy.error(method, path, body))["status"] == 403
