"""Services and the database are killed in the middle of work: what was acknowledged is there, and there once."""

import asyncio
import random
from collections import defaultdict
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
from tests.e2e.clients import Client, tenant
from tests.e2e.ledger import EVENTS_OF_A_RUN, STEPS, Ledger, work_while
from tests.kafka import Log
from tests.running_stack import RunningStack

PEOPLE = 8
SAMPLE = 200
RECOVERED_SECONDS = 40.0
WISHES_BETWEEN_CRASHES = 40
KILLED = ("run_engine", "gateway", "timeline", "analytics", "mongod")


@dataclass(frozen=True)
class Aftermath:
    """The stack after the crashes, and what people had been told by then."""

    stack: RunningStack
    client: Client
    ledger: Ledger


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def aftermath(stack: RunningStack) -> AsyncIterator[Aftermath]:
    client = Client(tenant(stack))
    ledger = await work_while(client, PEOPLE, lambda told: _kill_one_after_the_other(stack, told))
    yield Aftermath(stack, client, ledger)
    client.close()


async def _kill_one_after_the_other(stack: RunningStack, ledger: Ledger) -> None:
    for program in KILLED:
        if program not in stack.plan.programs:
            continue  # somebody else's MongoDB
        await _until_work_goes_on(ledger)
        killed = stack.kill(program)
        if program == "mongod":
            await _until_mongod_runs_anew(stack, killed)
        else:
            await stack.until_ready(program, after_pid=killed)
    await _until_work_goes_on(ledger)


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
        answer = await client.get(f"/playbook-runs?playbook_id={ledger.playbook_id}&limit=1{status}")
        assert answer.data()["total"] == len(ledger.runs)
    for run_id in _some(list(ledger.runs)):
        run = (await client.get(f"/playbook-runs/{run_id}")).data()
        assert (run["status"], len(run["steps_status"])) == ("completed", STEPS)


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
