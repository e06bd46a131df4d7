"""What becomes of a job whose instance dies, stops or is busy."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta

from services.automation.attempts import Attempts
from services.automation.calls import Caller, CallLimits
from services.automation.store import JobStore, StoredJob
from shared.clock import now
from shared.leased_work import LeasedWork
from tests.integration.automation.conftest import Bench, http, job, job_message
from tests.integration.running import eventually


def stored(organization: str = "org_lease", timeout_seconds: float = 5) -> StoredJob:
    return StoredJob(job("/x", organization, timeout_seconds=timeout_seconds), "http", "req_1", "cause_1", None)


def store_of(bench: Bench, name: str) -> JobStore:
    return JobStore(bench.service.mongo.collection(name), timedelta(seconds=30), timedelta(days=8))


@contextlib.asynccontextmanager
async def at_work(bench: Bench, store: JobStore) -> AsyncIterator[None]:
    """One more instance, on jobs of its own, that reads no topic."""
    caller = Caller(CallLimits(bench.settings.automation_base_urls, {}, {}, 2048), connections=4)
    await caller.start()
    attempts = Attempts(bench.settings, store, bench.publisher, caller)
    work = LeasedWork(attempts.claim, attempts.attempt, limit=4, idle_seconds=0.05)
    loop = asyncio.create_task(_for_ever(work))
    yield
    loop.cancel()
    await asyncio.gather(loop, return_exceptions=True)
    await work.finish(0.05)
    await caller.stop()


async def _for_ever(work: LeasedWork[StoredJob]) -> None:
    while True:
        await work.round()


async def test_a_claimed_job_is_nobody_elses_until_its_lease_ends(bench: Bench) -> None:
    store, wanted, at = store_of(bench, "leases_one"), stored(timeout_seconds=5), now()
    await store.add([wanted], at)
    assert await store.claim(at, ()) == wanted
    assert await store.claim(at + timedelta(seconds=34), ()) is None
    assert await store.claim(at + timedelta(seconds=35), ()) == wanted


async def test_many_claims_at_once_take_each_job_once(bench: Bench) -> None:
    store, at = store_of(bench, "leases_many"), now()
    await store.add([stored() for _ in range(20)], at)
    claimed = await asyncio.gather(*(store.claim(at, ()) for _ in range(30)))
    ids = [found.job.job_id for found in claimed if found]
    assert len(ids) == len(set(ids)) == 20


async def test_a_busy_organisation_lets_others_pass(bench: Bench) -> None:
    store, at = store_of(bench, "leases_busy"), now()
    first, second = stored("org_busy"), stored("org_other")
    await store.add([first], at)
    await store.add([second], at + timedelta(milliseconds=1))
    assert await store.claim(at + timedelta(seconds=1), ["org_busy"]) == second
    assert await store.claim(at + timedelta(seconds=1), ["org_busy"]) is None


async def test_a_finished_job_is_not_claimed_again(bench: Bench) -> None:
    store, wanted, at = store_of(bench, "leases_done"), stored(), now()
    await store.add([wanted], at)
    await store.finish([wanted.job.job_id], at)
    await store.add([wanted], at)
    assert await store.claim(at + timedelta(days=1), ()) is None


async def test_a_stopping_instance_gives_back_what_it_could_not_finish(bench: Bench) -> None:
    store, wanted = store_of(bench, "leases_stop"), stored("org_http", timeout_seconds=600)
    await store.add([wanted], now())
    async with at_work(bench, store):

        async def asked() -> bool:
            return bool(bench.endpoint.asked_for(wanted.job.run_id))

        await eventually(asked)
    bench.endpoint.answers["/hera/x"] = lambda: http(200, b'{"by": "the next instance"}')
    async with at_work(bench, store):
        result = await bench.result_of(wanted.job)
    assert result["data"]["data"] == {"by": "the next instance"}


async def test_jobs_of_one_organisation_run_side_by_side(bench: Bench) -> None:
    wanted = [job("/never", timeout_seconds=1.5) for _ in range(8)]
    await bench.publish(*map(job_message, wanted))
    began = asyncio.get_running_loop().time()
    for one in wanted:
        await bench.result_of(one)
    assert asyncio.get_running_loop().time() - began < 6
