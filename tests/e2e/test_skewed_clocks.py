"""A second engine whose clock is half a minute off takes half of the runs: nobody notices, but for the metric."""

import asyncio
import time
import urllib.request
from collections.abc import AsyncIterator
from datetime import datetime

import pytest
import pytest_asyncio

from deploy.local.ports import HOST
from tests.e2e.another import Another, skewed
from tests.e2e.clients import tasks_in_a_row
from tests.e2e.rest import Rest
from tests.integration.running import eventually
from tests.running_stack import RunningStack

RUNS = 24
BOUND_SECONDS = 2.0
"""How much too early a timer may fire: docs/run-semantics.md."""
DUE_SECONDS = 25.0


@pytest_asyncio.fixture(scope="module", loop_scope="session", params=[30.0, -30.0], ids=["ahead", "behind"])
async def engine(rest: Rest, stack: RunningStack, request: pytest.FixtureRequest) -> AsyncIterator[Another]:
    with skewed(stack, "run_engine", request.param) as engine:
        await engine.until_ready()
        yield engine


def skew_shown(engine: Another) -> float:
    with urllib.request.urlopen(f"http://{HOST}:{engine.port}/metrics", timeout=10) as page:
        lines = page.read().decode().splitlines()
    return float(next(line.split(" ")[1] for line in lines if line.startswith("hera_clock_skew_seconds ")))


async def test_every_command_is_answered_and_its_time_is_right(rest: Rest, engine: Another) -> None:
    playbook_id = await rest.created(tasks_in_a_row(1))
    began = time.time()
    answers = await asyncio.gather(
        *(rest.ask("POST", "/playbook-runs", {"run": {"playbook_id": playbook_id}}) for _ in range(RUNS))
    )
    assert {answer.status_code for answer in answers} == {201}
    for answer in answers:
        started = datetime.fromisoformat(answer.json()["data"]["started_at"]).timestamp()
        assert began - BOUND_SECONDS < started < time.time() + BOUND_SECONDS
        assert (await rest.complete(answer.json()["data"]["run_id"], 1)).status_code == 200


async def test_the_difference_is_shown(engine: Another, request: pytest.FixtureRequest) -> None:
    assert abs(skew_shown(engine)) == pytest.approx(30, abs=1)


async def test_no_timer_of_runs_that_it_takes_over_fires_early(rest: Rest, stack: RunningStack) -> None:
    playbook = tasks_in_a_row(1)
    playbook["metadata"] = {"sla_hours": DUE_SECONDS / 3600}
    playbook_id = await rest.created(playbook)
    due_at = time.time() + DUE_SECONDS
    run_ids = [await rest.started(playbook_id) for _ in range(RUNS // 2)]

    async def overdue(run_id: str) -> bool:
        return bool((await rest.data("GET", f"/playbook-runs/{run_id}"))["sla_breached"])

    async def any_is_overdue() -> bool:
        return any([await overdue(run_id) for run_id in run_ids])

    async def all_are_overdue() -> bool:
        return all([await overdue(run_id) for run_id in run_ids])

    with skewed(stack, "run_engine", 30) as engine:
        await engine.until_ready()
        await eventually(any_is_overdue, DUE_SECONDS + 30)
        assert time.time() > due_at - BOUND_SECONDS
        await eventually(all_are_overdue)
