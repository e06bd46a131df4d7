"""Two gateway processes are one: they share what an organisation may ask, and the answers to its keys."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest_asyncio

from deploy.local.ports import HOST
from tests.e2e.another import another
from tests.e2e.clients import tasks_in_a_row
from tests.running_stack import RunningStack

LIMIT = 60


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def gateways(stack: RunningStack) -> AsyncIterator[list[httpx.AsyncClient]]:
    """Both with a limit of LIMIT requests a minute."""
    over = {"RATE_LIMIT_PER_MINUTE": str(LIMIT)}
    with another(stack, "gateway", **over) as one, another(stack, "gateway", **over) as other:
        await asyncio.gather(one.until_ready(), other.until_ready())
        urls = [f"http://{HOST}:{gateway.port}/api/v1" for gateway in (one, other)]
        clients = [httpx.AsyncClient(base_url=url, trust_env=False) for url in urls]
        yield clients
        for client in clients:
            await client.aclose()


def somebody(stack: RunningStack) -> tuple[str, dict[str, str]]:
    """Their organisation, and their token as a header."""
    organization_id = f"org_{uuid.uuid4().hex[:12]}"
    return organization_id, {"Authorization": f"Bearer {stack.token(organization_id, permissions=('*',))}"}


async def test_what_an_organization_may_ask_it_may_ask_of_both_together(
    gateways: list[httpx.AsyncClient], stack: RunningStack
) -> None:
    _, headers = somebody(stack)
    answers = await asyncio.gather(*(gateways[n % 2].get("/playbooks", headers=headers) for n in range(2 * LIMIT)))
    passed = [answer for answer in answers if answer.status_code == 200]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert len(passed) + len(refused) == 2 * LIMIT
    assert LIMIT - 10 <= len(passed) <= LIMIT
    assert all(answer.headers["X-RateLimit-Limit"] == str(LIMIT) for answer in answers)
    assert all(answer.json()["error"]["code"] == "RATE_LIMITED" for answer in refused)
    assert all(1 <= int(answer.headers["Retry-After"]) <= 61 for answer in refused)
    _, others = somebody(stack)
    assert (await gateways[0].get("/playbooks", headers=others)).status_code == 200


async def test_a_key_stands_for_one_request_at_both(gateways: list[httpx.AsyncClient], stack: RunningStack) -> None:
    organization_id, headers = somebody(stack)
    body = {"organization_id": organization_id, "playbook": tasks_in_a_row(1)}
    keyed = {**headers, "Idempotency-Key": "once"}
    answers = [await gateway.post("/playbooks", json=body, headers=keyed) for gateway in gateways]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert [answer.headers.get("X-Idempotent-Replay") for answer in answers] == [None, "true"]
    assert answers[0].json() == answers[1].json()
    body["playbook"] = tasks_in_a_row(2)
    other = await gateways[1].post("/playbooks", json=body, headers=keyed)
    assert (other.status_code, other.json()["error"]["code"]) == (409, "IDEMPOTENCY_CONFLICT")


async def test_of_one_key_sent_to_both_at_once_one_thing_comes(
    gateways: list[httpx.AsyncClient], stack: RunningStack
) -> None:
    organization_id, headers = somebody(stack)
    body = {"organization_id": organization_id, "playbook": tasks_in_a_row(1)}
    keyed = {**headers, "Idempotency-Key": "at once"}
    answers = await asyncio.gather(*(gateways[n % 2].post("/playbooks", json=body, headers=keyed) for n in range(10)))
    made = [answer.json()["data"]["playbook_id"] for answer in answers if answer.status_code == 201]
    refused = [answer for answer in answers if answer.status_code == 409]
    assert len(made) + len(refused) == 10
    assert len(set(made)) == 1
    assert {answer.json()["error"]["code"] for answer in refused} <= {"IDEMPOTENCY_CONFLICT"}
    assert all(answer.headers["Retry-After"] == "1" for answer in refused)
    assert (await gateways[0].get("/playbooks", headers=headers)).json()["data"]["total"] == 1


async def test_figures_under_a_key_are_those_of_the_first_answer(
    gateways: list[httpx.AsyncClient], stack: RunningStack
) -> None:
    organization_id, headers = somebody(stack)
    own, keyed = {"organization_id": organization_id}, {**headers, "Idempotency-Key": "figures"}
    path, count = "/analytics/playbook-runs", {**own, "metrics": ["count"]}
    first = await gateways[0].post(path, json=count, headers=keyed)
    created = await gateways[0].post("/playbooks", json={**own, "playbook": tasks_in_a_row(1)}, headers=headers)
    start = {**own, "run": {"playbook_id": created.json()["data"]["playbook_id"]}}
    await gateways[0].post("/playbook-runs", json=start, headers=headers)
    again, anew = [await gateways[1].post(path, json=count, headers=sent) for sent in (keyed, headers)]
    assert (again.json(), again.headers["X-Idempotent-Replay"]) == (first.json(), "true")
    assert (first.json()["data"]["totals"]["count"], anew.json()["data"]["totals"]["count"]) == (0, 1)
    other = await gateways[1].post(path, json=own, headers=keyed)
    assert (other.status_code, other.json()["error"]["code"]) == (409, "IDEMPOTENCY_CONFLICT")


async def test_a_start_is_answered_again_after_its_playbook_was_archived(
    gateways: list[httpx.AsyncClient], stack: RunningStack
) -> None:
    organization_id, headers = somebody(stack)
    own = {"organization_id": organization_id}
    created = await gateways[0].post("/playbooks", json={**own, "playbook": tasks_in_a_row(1)}, headers=headers)
    playbook_id = created.json()["data"]["playbook_id"]
    start, keyed = {**own, "run": {"playbook_id": playbook_id}}, {**headers, "Idempotency-Key": "start"}
    first = await gateways[0].post("/playbook-runs", json=start, headers=keyed)
    await gateways[1].post(f"/playbooks/{playbook_id}/archive", json=own, headers=headers)
    again = await gateways[1].post("/playbook-runs", json=start, headers=keyed)
    assert (again.status_code, again.json()) == (201, first.json())
    assert again.headers["Location"] == first.headers["Location"]
    refused = await gateways[1].post("/playbook-runs", json=start, headers=headers)
    assert refused.status_code == 409


async def test_an_outcome_that_was_not_waited_for_is_there_at_both(
    gateways: list[httpx.AsyncClient], stack: RunningStack
) -> None:
    organization_id, headers = somebody(stack)
    own, later = {"organization_id": organization_id}, {**headers, "Prefer": "respond-async"}
    created = await gateways[0].post("/playbooks", json={**own, "playbook": tasks_in_a_row(1)}, headers=later)
    assert (created.status_code, created.headers["Preference-Applied"]) == (202, "respond-async")
    playbook = await outcome(gateways, created, headers)
    start = {**own, "run": {"playbook_id": playbook["result"]["playbook_id"]}}
    started = await outcome(gateways, await gateways[0].post("/playbook-runs", json=start, headers=later), headers)
    assert (started["status"], started["result"]["status"]) == ("succeeded", "active")
    complete = {**own, "completion": {"outcome": "nonsense"}}
    path = f"/playbook-runs/{started['run_id']}/steps/step_001/complete"
    refused = await outcome(gateways, await gateways[0].post(path, json=complete, headers=later), headers)
    assert (refused["status"], refused["error"]["details"]["field"]) == ("failed", "completion.outcome")
    path = path.replace(started["run_id"], "run_unknown")
    unknown = await outcome(gateways, await gateways[0].post(path, json=complete, headers=later), headers)
    assert (unknown["status"], unknown["error"]["code"]) == ("failed", "NOT_FOUND")


async def outcome(gateways: list[httpx.AsyncClient], accepted: httpx.Response, headers: dict[str, str]) -> Any:
    """As both gateways show it in the end."""
    path = accepted.headers["Location"].removeprefix("/api/v1")
    seen: list[Any] = []
    async with asyncio.timeout(20):
        while not seen or any(data["status"] == "running" for data in seen):
            await asyncio.sleep(0.1)
            answers = [await gateway.get(path, headers=headers) for gateway in gateways]
            seen = [answer.json()["data"] for answer in answers]
    assert seen[0] == seen[1]
    return seen[0]
