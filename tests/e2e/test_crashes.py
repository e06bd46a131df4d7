"""Services, the database and Kafka are killed in the middle of work: what was acknowledged is there, and there once."""

import asyncio
import contextlib
import os
import random
import time
from collections import Counter
from collections.abc import AsyncIterator

import orjson
import pytest_asyncio

from deploy.local.waiting import until
from tests.e2e.aftermath import RECOVERED_SECONDS, Aftermath, draw, until_work_goes_on
from tests.e2e.another import Another, another
from tests.e2e.clients import Client, tenant
from tests.e2e.ledger import Ledger, work_while
from tests.e2e.storm import FROZEN_SECONDS, Storm
from tests.running_stack import RunningStack

PEOPLE = 8
WISHES_BETWEEN_CRASHES = 40
FROZEN = "mongod, frozen"
INFRASTRUCTURE = ("mongod", "kafka-1")
KILLED = ("run_engine", "gateway", "timeline", "analytics", *INFRASTRUCTURE)
CHAOS_SECONDS = float(os.environ.get("CHAOS_SECONDS") or 0)
"""`make chaos` has the killing go on for so long, in a storm (tests/e2e/storm.py)."""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def aftermath(stack: RunningStack) -> AsyncIterator[Aftermath]:
    client = Client(tenant(stack))
    async with _engines(stack) as (engines, storm):

        async def happens(told: Ledger) -> None:
            killing = _kill(stack, engines, told)
            await (storm.rage_while(killing) if storm is not None else killing)

        made = Aftermath(stack, client, await work_while(client, PEOPLE, happens))
        if storm is not None:
            await storm.check(made.check_operations)
        yield made
    client.close()


Engines = dict[str, Another]


@contextlib.asynccontextmanager
async def _engines(stack: RunningStack) -> AsyncIterator[tuple[Engines, Storm | None]]:
    """Further engines: one, or in a storm two whose clocks are off."""
    if CHAOS_SECONDS:
        async with Storm.over(stack) as storm:
            yield {f"run_engine {number}": engine for number, engine in enumerate(storm.engines, 2)}, storm
    else:
        with another(stack, "run_engine") as engine:
            await engine.until_ready()
            yield {"run_engine 2": engine}, None


async def _kill(stack: RunningStack, engines: Engines, ledger: Ledger) -> None:
    """One after the other, then at random for as long as is asked for."""
    here = [*engines, *(program for program in KILLED if program in stack.plan.programs)]
    for program in here:
        await _kill_one(stack, engines, program, ledger)
    seed, ends = random.randrange(2**32), time.monotonic() + CHAOS_SECONDS
    chance, killed = random.Random(seed), Counter[str]()
    while time.monotonic() < ends:
        program = chance.choice([*here, FROZEN] if "mongod" in here else here)
        await _kill_one(stack, engines, program, ledger)
        killed[program] += 1
    await until_work_goes_on(ledger, WISHES_BETWEEN_CRASHES)
    if CHAOS_SECONDS:
        print(f"\nStorm of {CHAOS_SECONDS:g} s, seed {seed}: killed or froze {dict(killed)}")
        print(f"under {len(ledger.wishes)} answered requests, {ledger.retries} of which were sent again")


async def _kill_one(stack: RunningStack, engines: Engines, program: str, ledger: Ledger) -> None:
    await until_work_goes_on(ledger, WISHES_BETWEEN_CRASHES)
    if program == FROZEN:
        with stack.frozen("mongod"):
            return await asyncio.sleep(FROZEN_SECONDS)
    if program in engines:
        engines[program].kill()
        return await engines[program].until_ready()
    killed = stack.kill(program)
    if program in INFRASTRUCTURE:
        return await _until_restarted(stack, program, killed)
    return await stack.until_ready(program, after_pid=killed)


async def _until_restarted(stack: RunningStack, program: str, killed: int) -> None:
    async def is_restarted() -> bool:
        return stack.pid(program) not in (0, killed)

    await asyncio.wait_for(until(is_restarted), RECOVERED_SECONDS)


async def test_nobody_was_told_anything_that_is_not_so(aftermath: Aftermath) -> None:
    aftermath.check_answers()
    assert aftermath.ledger.retries > 0, "nothing was interrupted"


async def test_every_run_is_there_once_and_as_far_as_was_acknowledged(aftermath: Aftermath) -> None:
    await aftermath.check_runs()


async def test_a_request_that_is_repeated_gets_its_first_answer(aftermath: Aftermath) -> None:
    await aftermath.check_repeated_requests()


async def test_a_key_with_another_body_is_a_conflict(aftermath: Aftermath) -> None:
    for wish in draw(aftermath.ledger.wishes, 10):
        again = await aftermath.client.post(wish.path, {**wish.body, "note": "other"}, wish.key)
        assert (again.status, orjson.loads(again.body)["error"]["code"]) == (409, "IDEMPOTENCY_CONFLICT")


async def test_no_operation_stays_unresolved(aftermath: Aftermath) -> None:
    await aftermath.check_operations()


async def test_each_timeline_has_every_event_once_in_an_unbroken_chain(aftermath: Aftermath) -> None:
    await aftermath.check_timelines()


async def test_what_was_published_again_is_the_same_to_the_byte(aftermath: Aftermath) -> None:
    await aftermath.check_log()


async def test_the_metrics_count_every_run_once_and_are_not_behind(aftermath: Aftermath) -> None:
    await aftermath.check_metrics()
