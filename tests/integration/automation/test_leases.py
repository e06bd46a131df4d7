"""What becomes of a job whose instance dies, stops or is busy."""

import asyncio
from datetime import timedelta

from shared.clock import now
from tests.integration.automation.conftest import Bench, http, job, job_message
from tests.integration.automation.instances import at_work, store_of, stored
from tests.integration.running import eventually


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


async def test_a_job_whose_instance_crashed_is_taken_up_again_with_the_same_key(bench: Bench) -> None:
    store = store_of(bench, "leases_crash")
    bench.endpoint.answers["/hera/x"] = lambda: http(200, b"{}")
    wanted = stored("org_http", timeout_seconds=1)
    an_hour_ago = now() - timedelta(hours=1)
    await store.add([wanted], an_hour_ago)
    assert await store.claim(an_hour_ago, ()) == wanted  # by an instance that is heard of no more
    async with at_work(bench, store):
        result = await bench.result_of(wanted.job)
    assert result["data"]["outcome"] == "success"
    ((headers, _),) = bench.endpoint.asked_for(wanted.job.run_id)
    assert headers["idempotency-key"] == wanted.job.idempotency_key


async def test_jobs_of_one_organisation_run_side_by_side(bench: Bench) -> None:
    wanted = [job("/never", timeout_seconds=1.5) for _ in range(8)]
    await bench.publish(*map(job_message, wanted))
    began = asyncio.get_running_loop().time()
    for one in wanted:
        await bench.result_of(one)
    assert asyncio.get_running_loop().time() - began < 6
