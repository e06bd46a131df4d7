"""Services and the database are killed in the middle of work: what was acknowledged is there, and there once."""

import asyncio
import os
import random
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import orjson
import pytest_asyncio
from pymongo import AsyncMongoClient

from contracts import topics
from deploy.local.waiting import until
from services.timeline.domain.chain import verify
from shared.messages import hash_of
from tests.e2e.another import Another, another
from tests.e2e.clients import Client, tenant
from tests.e2e.ledger import EVENTS_OF_A_RUN, STEPS, Ledger, work_while
from tests.kafka import Log
from tests.running_stack import RunningStack

PEOPLE = 8
SAMPLE = 200
RECOVERED_SECONDS = 40.0
WISHES_BETWEEN_CRASHES = 40
SECOND_ENGINE = "second run_engine"
KILLED = ("run_engine", SECOND_ENGINE, "gateway", "timeline", "analytics", "mongod")
CHAOS_SECONDS = float(os.environ.get("CHAOS_SECONDS") or 0)
"""`make chaos` has the killing go on for so long."""


@dataclass(frozen=True)
class Aftermath:
    """The stack after the crashes, and what people had been told by then."""

    stack: RunningStack
    client: Client
    ledger: Ledger


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def aftermath(stack: RunningStack) -> AsyncIterator[Aftermath]:
    client = Client(tenant(stack))
    with another(stack, "run_engine") as engine:
        await engine.until_ready()
        ledger = await work_while(client, PEOPLE, lambda told: _kill(stack, engine, told))
        yield Aftermath(stack, client, ledger)
    client.close()


async def _kill(stack: RunningStack, engine: Another, ledger: Ledger) -> None:
    """One after the other, then at random for as long as is asked for."""
    here = [program for program in KILLED if program == SECOND_ENGINE or program in stack.plan.programs]
    for program in here:
        await _kill_one(stack, engine, program, ledger)
    seed, ends = random.randrange(2**32), time.monotonic() + CHAOS_SECONDS
    chance, killed = random.Random(seed), Counter[str]()
    while time.monotonic() < ends:
        program = chance.choice(here)
        await _kill_one(stack, engine, program, ledger)
        killed[program] += 1
    await _until_work_goes_on(ledger)
    if CHAOS_SECONDS:
        print(f"\nseed {seed}: killed {dict(killed)} beside {len(ledger.wishes)} wishes, {ledger.retries} sent again")


async def _kill_one(stack: RunningStack, engine: Another, program: str, ledger: Ledger) -> None:
    await _until_work_goes_on(ledger)
    if program == SECOND_ENGINE:
        engine.kill()
        return await engine.until_ready()
    killed = stack.kill(program)
    if program == "mongod":
        return await _until_mongod_runs_anew(stack, killed)
    return await stack.until_ready(program, after_pid=killed)


async def _until_mongod_runs_anew(stack: RunningStack, killed: int) -> None:
    async def runs_anew() -> bool:
        return stack.pid("mongod") not in (0, killed)

    await asyncio.wait_for(until(runs_anew), RECOVERED_SECONDS)


async def _until_work_goes_on(ledger: Ledger) -> None:
    enough = len(ledger.wishes) + WISHES_BETWEEN_CRASHES

    async def has_gone_on() -> bool:
        return len(ledger.wishes) >= enough or bool(ledger.surprises)

    await asyncio.wait_for(until(has_gone_on), RECOVERED_SECONDS)


async def test_nobody_was_told_anything_that_is_not_so(aftermath: Aftermath) -> None:
    assert aftermath.ledger.surprises == []
    assert aftermath.ledger.retries > 0, "nothing was interrupted"


async def test_every_run_is_there_once_and_as_far_as_was_acknowledged(aftermath: Aftermath) -> None:
    client, ledger = aftermath.client, aftermath.ledger
    assert set(ledger.runs.values()) == {STEPS}
    for status in ("", "&status=completed"):
        listed = await _listed(client, f"playbook_id={ledger.playbook_id}{status}")
        assert sorted(listed) == sorted(ledger.runs)
    for run_id in _some(list(ledger.runs)):
        run = (await client.get(f"/playbook-runs/{run_id}")).data()
        assert (run["status"], len(run["steps_status"])) == ("completed", STEPS)


async def _listed(client: Client, filters: str) -> list[str]:
    """The ids of all runs, page by page: a list's total is exact up to a thousand only."""
    ids: list[str] = []
    cursor = ""
    while True:
        page = (await client.get(f"/playbook-runs?{filters}&limit=100{cursor}")).data()
        ids += [run["run_id"] for run in page["runs"]]
        if page["next"] is None:
            return ids
        cursor = f"&cursor={page['next']}"


async def test_a_request_that_is_repeated_gets_its_first_answer(aftermath: Aftermath) -> None:
    for wish in _some(aftermath.ledger.wishes):
        again = await aftermath.client.post(wish.path, wish.body, wish.key)
        assert (again.status, again.data()) == (wish.status, wish.data)
        assert again.headers["x-idempotent-replay"] == "true"


async def test_a_key_with_another_body_is_a_conflict(aftermath: Aftermath) -> None:
    for wish in _some(aftermath.ledger.wishes, 10):
        again = await aftermath.client.post(wish.path, {**wish.body, "note": "other"}, wish.key)
        assert (again.status, orjson.loads(again.body)["error"]["code"]) == (409, "IDEMPOTENCY_CONFLICT")


async def test_each_timeline_has_every_event_once_in_an_unbroken_chain(aftermath: Aftermath) -> None:
    expected = len(aftermath.ledger.runs) * EVENTS_OF_A_RUN

    async def has_caught_up() -> bool:
        return sum(len(events) for events in (await _timelines(aftermath)).values()) >= expected

    await asyncio.wait_for(until(has_caught_up, every_seconds=0.2), RECOVERED_SECONDS)
    timelines = await _timelines(aftermath)
    assert set(timelines) == set(aftermath.ledger.runs)
    for run_id, events in timelines.items():
        assert verify(events, hash_of) is None, run_id
        assert len(events) == EVENTS_OF_A_RUN, run_id


async def _timelines(aftermath: Aftermath) -> dict[str, list[dict[str, Any]]]:
    """The events of the tenant's runs as the timeline keeps them, by run, in order."""
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    async with AsyncMongoClient[dict[str, Any]](aftermath.stack.mongodb_uri) as mongo:
        events = mongo[f"{aftermath.stack.database_prefix}_timeline"]["events"]
        mine = {"_id.organization_id": aftermath.client.caller.organization_id}
        async for document in events.find(mine).sort("_id"):
            found[document["_id"]["run_id"]].append(orjson.loads(document["event"]))
    return found


async def test_what_was_published_again_is_the_same_to_the_byte(aftermath: Aftermath) -> None:
    log = Log(aftermath.stack.bootstrap_servers, topics.RUN_EVENTS.name)
    await log.open(from_beginning=True)
    published: dict[str, set[bytes]] = defaultdict(set)
    for record in await log.records():
        if (record.key or b"").decode(errors="replace") in aftermath.ledger.runs:
            published[orjson.loads(record.value)["id"]].add(record.value)
    await log.close()
    assert len(published) == len(aftermath.ledger.runs) * EVENTS_OF_A_RUN
    assert [event_id for event_id, values in published.items() if len(values) > 1] == []


async def test_the_metrics_count_every_run_once(aftermath: Aftermath) -> None:
    ledger = aftermath.ledger
    answer = await aftermath.client.get(f"/playbooks/{ledger.playbook_id}/metrics?period=30d")
    metrics = answer.data()["metrics"]
    counted = metrics["execution_stats"]
    assert (counted["total_runs"], counted["completed_runs"]) == (len(ledger.runs), len(ledger.runs))
    assert [step["executions"] for step in metrics["step_performance"]] == [len(ledger.runs)] * STEPS


def _some(items: list[Any], count: int = SAMPLE) -> list[Any]:
    return random.sample(items, min(count, len(items)))
