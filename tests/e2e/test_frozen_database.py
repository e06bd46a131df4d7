"""MongoDB is frozen, not gone: its connections stay open. Every request is answered in bounded time all the same."""

import asyncio
import time
from collections.abc import AsyncIterator
from itertools import cycle

import httpx
import pytest
import pytest_asyncio

from deploy.local.ports import HOST
from deploy.local.waiting import until
from tests.e2e.another import another
from tests.e2e.clients import tasks_in_a_row
from tests.e2e.rest import Rest
from tests.running_stack import RunningStack

REPLY_SECONDS = 3.0
BOUND_SECONDS = 2 + 2 * REPLY_SECONDS + 4
"""For the key, for what must be read before, for the reply, and for a machine that is busy."""


@pytest_asyncio.fixture(loop_scope="session")
async def rest(stack: RunningStack) -> AsyncIterator[Rest]:
    with another(stack, "gateway", REPLY_TIMEOUT_SECONDS=str(REPLY_SECONDS)) as gateway:
        await gateway.until_ready()
        async with httpx.AsyncClient(base_url=f"http://{HOST}:{gateway.port}", trust_env=False, timeout=60) as client:
            yield Rest(stack, cycle((client,)), "org_frozen")


async def test_every_request_is_answered_in_time_and_a_repeat_after_it_gets_its_outcome(
    rest: Rest, stack: RunningStack
) -> None:
    if "mongod" not in stack.plan.programs:
        pytest.skip("MongoDB is somebody else's here")
    playbook_id = await rest.created(tasks_in_a_row(2))
    run_id = await rest.started(playbook_id)
    complete = ("POST", f"/playbook-runs/{run_id}/steps/step_001/complete", {"completion": {"data": {"done": True}}})
    start = ("POST", "/playbook-runs", {"run": {"playbook_id": playbook_id}})
    with stack.frozen("mongod"):
        began = time.monotonic()
        answers = await asyncio.gather(
            rest.ask(*complete, Idempotency_Key="complete"),
            rest.ask(*start, Idempotency_Key="start"),
            rest.ask("GET", f"/playbook-runs/{run_id}/timeline"),
            *(rest.ask(*start, Idempotency_Key=f"start {n}") for n in range(30)),
        )
        assert time.monotonic() - began < BOUND_SECONDS
    assert answers[0].status_code == 202, answers[0].text
    assert {answer.status_code for answer in answers[1:]} == {503}, {answer.text for answer in answers[1:]}

    async def completed() -> bool:
        answer = await rest.ask(*complete, Idempotency_Key="complete")
        assert answer.status_code in (200, 202, 409, 503), answer.text
        return answer.status_code == 200

    await asyncio.wait_for(until(completed), 60)
    assert (await rest.data("GET", f"/playbook-runs/{run_id}"))["progress_percentage"] == 50
