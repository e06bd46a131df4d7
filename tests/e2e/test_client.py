"""The client at work while gateways die: its callers notice nothing, and nothing is done twice."""

import asyncio
import uuid
from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio

from deploy.client import Client, Conflict, NotFound
from deploy.local.waiting import until
from tests.e2e.clients import tasks_in_a_row
from tests.running_stack import RunningStack

PEOPLE, RUNS, STEPS = 6, 8, 3


@pytest_asyncio.fixture(loop_scope="session")
async def client(stack: RunningStack) -> AsyncIterator[Client]:
    organization_id = f"org_{uuid.uuid4().hex[:12]}"
    token = stack.token(organization_id, "tester", permissions=("*",))
    http = httpx.AsyncClient(base_url=stack.gateway_url, timeout=30, trust_env=False)
    async with Client(http, token, organization_id) as client:
        yield client


async def test_a_gateway_that_dies_is_noticed_by_nobody(client: Client, stack: RunningStack) -> None:
    playbook_id = (await client.create_playbook(tasks_in_a_row(STEPS)))["playbook_id"]
    started: list[str] = []

    async def somebody() -> None:
        for _ in range(RUNS):
            run = await client.start_run({"playbook_id": playbook_id})
            started.append(run["run_id"])
            for step in run["steps_status"]:
                await client.complete_step(run["run_id"], step["step_id"])
            assert (await client.run(run["run_id"]))["status"] == "completed"

    async def everybody_works() -> bool:
        return len(started) >= PEOPLE

    async with asyncio.TaskGroup() as people:
        for _ in range(PEOPLE):
            people.create_task(somebody())
        await asyncio.wait_for(until(everybody_works), 30)
        await stack.kill_and_wait("gateway")
    runs = [run async for run in client.each_run(playbook_id=playbook_id)]
    assert sorted(run["run_id"] for run in runs) == sorted(set(started))
    assert len(runs) == PEOPLE * RUNS
    assert {run["version"] for run in runs} == {2 + 2 * STEPS}
    counted = (await client.metrics(playbook_id))["metrics"]["execution_stats"]
    assert counted["completed_runs"] == PEOPLE * RUNS


async def test_one_operation_over_many_runs_is_watched_to_its_end(client: Client) -> None:
    playbook_id = (await client.create_playbook(tasks_in_a_row(1)))["playbook_id"]
    started = {(await client.start_run({"playbook_id": playbook_id}))["run_id"] for _ in range(3)}
    selection, pause = {"playbook_id": playbook_id}, {"type": "pause", "reason": "Stocktaking"}
    assert (await client.matching_runs(selection, pause))["matched"] == 3
    operation_id = (await client.signal_runs(selection, pause))["operation_id"]

    async def is_over() -> bool:
        return bool((await client.operation(operation_id))["status"] != "running")

    await asyncio.wait_for(until(is_over), 30)
    assert {result["run_id"] async for result in client.each_result(operation_id)} == started
    assert {run["status"] async for run in client.each_run(playbook_id=playbook_id)} == {"paused"}


async def test_a_policy_is_tried_and_encrypted_data_is_erased(client: Client) -> None:
    step = {"name": "Card", "sequence": 1, "metadata": {"form_fields": [{"name": "card", "encrypted": True}]}}
    fast = {"name": "Fast", "sequence": 2, "step_type": "automated", "automation_config": {"auto_approve_limit": 900}}
    playbook_id = (await client.create_playbook({**tasks_in_a_row(1), "steps": [step, fast]}))["playbook_id"]
    run_id = (await client.start_run({"playbook_id": playbook_id, "initial_data": {"card": "4711"}}))["run_id"]
    report = await client.try_policy("financial_controls", {"auto_approve_limit": 500})
    assert [found["playbook_id"] for found in report["playbooks"]["violating"]] == [playbook_id]
    assert (await client.policy("financial_controls"))["is_default"]
    before = (await client.rotate_key())["key_id"]
    assert (await client.rotate_key())["key_id"] != before
    assert (await client.run(run_id))["data"]["card"] == "4711"
    assert (await client.erase_run_data(run_id))["erased_fields"] == ["card"]
    assert (await client.run(run_id))["data"]["card"] == "[erased]"
    assert (await client.erase_organization_data())["keys_destroyed"] > 0


async def test_a_refusal_is_raised_by_its_kind(client: Client) -> None:
    playbook = tasks_in_a_row(1)
    first = await client.create_playbook(playbook, key="once")
    assert await client.create_playbook(playbook, key="once") == first
    with pytest.raises(Conflict):
        await client.create_playbook(playbook)
    with pytest.raises(NotFound):
        await client.playbook("pb_unknown")
    revised = await client.revise_playbook(first["playbook_id"], {**playbook, "name": "Other"}, if_match='"1"')
    with pytest.raises(Conflict):
        await client.revise_playbook(first["playbook_id"], {**playbook, "name": "Third"}, if_match='"1"')
    assert (revised["revision"], (await client.revision(first["playbook_id"], 1))["name"]) == (2, "1 tasks")
