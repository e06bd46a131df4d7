"""Webhooks as somebody who subscribes sees them, through the gateway, whatever is killed meanwhile."""

import asyncio
import uuid
from collections import defaultdict
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest_asyncio

from deploy.local.waiting import until
from tests.e2e.clients import Client, tasks_in_a_row, tenant
from tests.receiving import Endpoint, Received, endpoint
from tests.running_stack import RunningStack

RUNS = 20
STEPS = 2
SECONDS = 60.0


@dataclass
class Subscriber:
    """One organisation: its client, its requests over plain HTTP, and where its webhooks come."""

    client: Client
    http: httpx.AsyncClient
    endpoint: Endpoint

    async def send(self, method: str, path: str, body: dict[str, Any] | None = None, **headers: str) -> httpx.Response:
        organization_id = self.client.caller.organization_id
        content = {"organization_id": organization_id, **body} if body is not None else None
        return await self.http.request(method, f"/api/v1/webhooks{path}", json=content, headers=headers)

    async def subscribed(self, path: str, *event_types: str) -> dict[str, Any]:
        webhook = {"url": self.endpoint.url(path), "event_types": list(event_types)}
        answer = await self.send("POST", "", {"webhook": webhook})
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()["data"]
        return made


@pytest_asyncio.fixture
async def subscriber(stack: RunningStack) -> AsyncIterator[Subscriber]:
    client = Client(tenant(stack))
    organization_id = client.caller.organization_id
    token = stack.token(organization_id, "ops", permissions=("webhook:read", "webhook:manage", "run:read"))
    headers = {"Authorization": f"Bearer {token}"}
    async with (
        endpoint() as taken,
        httpx.AsyncClient(base_url=stack.gateway_url, headers=headers, timeout=30, trust_env=False) as http,
    ):
        yield Subscriber(client, http, taken)
    client.close()


async def test_what_was_written_is_read_at_once_and_the_secret_only_where_it_was_made(subscriber: Subscriber) -> None:
    key = uuid.uuid4().hex
    body = {"webhook": {"url": "https://hooks.invalid/x", "event_types": ["run_completed"]}}
    created = await subscriber.send("POST", "", body, **{"Idempotency-Key": key})
    made = created.json()["data"]
    assert made["secret"].startswith("whsec_")
    again = await subscriber.send("POST", "", body, **{"Idempotency-Key": key})
    assert (again.json(), again.headers["X-Idempotent-Replay"]) == (created.json(), "true")
    assert created.headers["Location"] == f"/api/v1/webhooks/{made['webhook_id']}"

    path = f"/{made['webhook_id']}"
    read = await subscriber.send("GET", path)
    assert (read.status_code, read.headers["ETag"]) == (200, '"1"')
    assert "whsec_" not in read.text
    changed = await subscriber.send("PATCH", path, {"webhook": {"status": "paused"}}, **{"If-Match": '"1"'})
    assert changed.json()["data"]["status"] == "paused"
    listed = await subscriber.send("GET", "?status=paused")
    assert [webhook["webhook_id"] for webhook in listed.json()["data"]["webhooks"]] == [made["webhook_id"]]
    rotated = (await subscriber.send("POST", f"{path}/rotate-secret", {})).json()["data"]
    assert rotated["secret_version"] == 2
    assert rotated["secret"] not in (made["secret"], None)
    assert (await subscriber.send("DELETE", path)).json()["data"]["status"] == "deleted"
    assert (await subscriber.send("GET", path)).status_code == 404
    again = await subscriber.send("POST", "", body, **{"Idempotency-Key": key})
    assert (again.status_code, again.json()["data"]) == (201, made | {"secret": None})


async def test_ids_that_are_no_playbooks_are_taken_with_a_warning(subscriber: Subscriber) -> None:
    playbook_id = await subscriber.client.created(tasks_in_a_row(1))
    webhook = {"url": "https://hooks.invalid/x", "event_types": ["*"], "playbook_ids": [playbook_id, "pb_none"]}
    made = (await subscriber.send("POST", "", {"webhook": webhook})).json()["data"]
    [warning] = made["warnings"]
    assert warning["field"] == "webhook.playbook_ids[1]"
    assert "pb_none is no playbook of the organization" in warning["message"]
    path = f"/{made['webhook_id']}"
    for playbook_ids, fields in ([playbook_id], []), (["pb_none"], ["webhook.playbook_ids[0]"]), ([], []):
        changed = (await subscriber.send("PATCH", path, {"webhook": {"playbook_ids": playbook_ids}})).json()["data"]
        assert [warning["field"] for warning in changed["warnings"]] == fields


async def test_what_is_not_waited_for_is_found_where_the_202_says(subscriber: Subscriber) -> None:
    body = {"webhook": {"url": "https://hooks.invalid/x", "event_types": ["*"]}}
    accepted = await subscriber.send("POST", "", body, Prefer="respond-async")
    assert accepted.status_code == 202
    path = accepted.headers["Location"]

    async def done() -> bool:
        operation = (await subscriber.http.get(path)).json()["data"]
        return bool(operation["status"] == "succeeded" and operation["result"]["status"] == "active")

    await asyncio.wait_for(until(done), SECONDS)


async def test_the_notifier_is_killed_in_the_middle_and_nothing_is_lost(
    stack: RunningStack, subscriber: Subscriber
) -> None:
    made = await subscriber.subscribed("/hook", "step_completed", "run_completed")
    stranger = await subscriber.subscribed("/never", "run_failed")
    subscriber.endpoint.held["/hook"] = release = asyncio.Event()
    playbook_id = await subscriber.client.created(tasks_in_a_row(STEPS))
    runs = await asyncio.gather(*(_done(subscriber.client, playbook_id) for _ in range(RUNS)))

    async def some_are_under_way() -> bool:
        return len(subscriber.endpoint.at("/hook")) >= 2

    await asyncio.wait_for(until(some_are_under_way), SECONDS)
    killed = stack.kill("notifier")
    release.set()
    subscriber.endpoint.held.clear()
    await stack.until_ready("notifier", after_pid=killed)

    async def all_came() -> bool:
        return len(_by_event(subscriber.endpoint.at("/hook"), made["secret"])) >= RUNS * (STEPS + 1)

    await asyncio.wait_for(until(all_came), SECONDS)
    told = _by_event(subscriber.endpoint.at("/hook"), made["secret"])
    assert {run_id for run_id, _ in told} == set(runs)
    assert all(len(ids) == 1 for ids in told.values()), "each event has one id, however often it came"
    assert len(told) == RUNS * (STEPS + 1)
    assert subscriber.endpoint.at("/never") == [], stranger

    async def all_are_noted() -> bool:
        page = (await subscriber.send("GET", f"/{made['webhook_id']}/deliveries?status=delivered")).json()["data"]
        return bool(page["total"] == RUNS * (STEPS + 1))

    await asyncio.wait_for(until(all_are_noted), SECONDS)


async def _done(client: Client, playbook_id: str) -> str:
    """A run that is over."""
    run_id = str((await client.started(playbook_id))["run_id"])
    for step in range(1, STEPS + 1):
        await client.completed(run_id, step)
    return run_id


def _by_event(requests: list[Received], secret: str) -> dict[tuple[str, int], set[str]]:
    """Run and sequence → the ids under which it came. Every signature must fit."""
    told: dict[tuple[str, int], set[str]] = defaultdict(set)
    for request in requests:
        data = request.verified(secret)["data"]
        told[data["run_id"], data["sequence"]].add(request.headers["webhook-id"])
    return told
