"""Two gateway processes are one: they share what an organisation may ask, and the answers to its keys."""

import asyncio
import uuid
from collections.abc import AsyncIterator

import httpx
import pytest_asyncio

from deploy.local.ports import HOST
from tests.e2e.clients import another_gateway, tasks_in_a_row, until_answers
from tests.running_stack import RunningStack

LIMIT = 60


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def gateways(stack: RunningStack) -> AsyncIterator[list[httpx.AsyncClient]]:
    """Both with a limit of LIMIT requests a minute."""
    over = {"RATE_LIMIT_PER_MINUTE": str(LIMIT)}
    with another_gateway(stack, **over) as one, another_gateway(stack, **over) as other:
        clients = [httpx.AsyncClient(base_url=f"http://{HOST}:{port}/api/v1", trust_env=False) for port in (one, other)]
        await asyncio.gather(until_answers(one), until_answers(other))
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
