"""Workers that say that they are still at it, and workers that fall silent."""

from datetime import datetime, timedelta

import orjson

from contracts.jobs import AutomationJob
from contracts.topics import WORKER_RESULTS
from services.automation.leases import WorkerLeases
from services.automation.store import JobStore, StoredJob
from shared.clock import now
from tests.integration.automation.conftest import WITHOUT_BASE, Bench, job
from tests.integration.automation.instances import store_of
from tests.integration.automation.test_workers import answer, result_for, taken_by_worker
from tests.integration.running import eventually, plain

MINUTE = timedelta(seconds=60)


async def handed_over(store: JobStore, at: datetime, answer_by: datetime | None = None) -> str:
    """A job that workers have, whose lease is of a minute."""
    stored = StoredJob(job(None), "worker", "req_1", "cause_1", None, worker_lease_seconds=60)
    await store.add([stored], at)
    assert await store.claim(at, ()) == stored
    await store.handed_over(stored.job.job_id, at, answer_by)
    return stored.job.job_id


async def silent(store: JobStore, at: datetime) -> list[str]:
    return list(await store.silent(at, 10))


async def test_a_job_that_no_worker_has_taken_up_waits_for_as_long_as_its_record_is_kept(bench: Bench) -> None:
    store, at = store_of(bench, "hearts_none"), now()
    offered = await handed_over(store, at)
    assert await silent(store, at + timedelta(days=6)) == []
    assert await silent(store, at + timedelta(days=7)) == [offered]


async def test_the_first_heartbeat_begins_the_lease_and_each_renews_it(bench: Bench) -> None:
    store, at = store_of(bench, "hearts_beat"), now()
    taken = await handed_over(store, at)
    await store.heard_of([taken], at + timedelta(hours=1))
    assert await silent(store, at + timedelta(hours=1, seconds=59)) == []
    await store.heard_of([taken], at + timedelta(hours=1, seconds=59))
    assert await silent(store, at + timedelta(hours=1, seconds=118)) == []
    assert await silent(store, at + timedelta(hours=1, seconds=119)) == [taken]


async def test_heartbeats_renew_nothing_beyond_the_attempts_own_time(bench: Bench) -> None:
    store, at = store_of(bench, "hearts_bound"), now()
    taken = await handed_over(store, at, answer_by=at + timedelta(seconds=90))
    await store.heard_of([taken], at + MINUTE)
    assert await silent(store, at + timedelta(seconds=89)) == []
    assert await silent(store, at + timedelta(seconds=90)) == [taken]


async def test_a_heartbeat_that_is_quicker_than_the_hand_over_counts(bench: Bench) -> None:
    store, at = store_of(bench, "hearts_quick"), now()
    stored = StoredJob(job(None), "worker", "req_1", "cause_1", None)
    await store.add([stored], at)
    await store.claim(at, ())
    await store.heard_of([stored.job.job_id], at)
    await store.handed_over(stored.job.job_id, at, None)
    assert await silent(store, at + MINUTE) == [stored.job.job_id]
    assert await store.claim(at + timedelta(days=1), ()) is None


async def test_a_lost_job_is_given_back_once_and_stays_lost(bench: Bench) -> None:
    store, at = store_of(bench, "hearts_lost"), now() - timedelta(hours=1)
    taken = await handed_over(store, at)
    await store.heard_of([taken], at)
    leases = WorkerLeases(store, bench.publisher, idle_seconds=1)
    assert (await leases.give_back(), await leases.give_back()) == (1, 0)
    await store.heard_of([taken], now())
    assert await silent(store, now() + timedelta(days=1)) == []


async def beats(bench: Bench, wanted: AutomationJob, **over: object) -> None:
    said = result_for(wanted, outcome="heartbeat", data={}, **over)
    await bench.publish(plain(WORKER_RESULTS, wanted.run_id, orjson.dumps(said)))


async def test_a_worker_that_falls_silent_loses_its_job_and_its_late_answer_is_told_of(bench: Bench) -> None:
    wanted = job(None, config={"lease_seconds": 1})
    offered = await taken_by_worker(bench, wanted)
    assert offered.lease_seconds == 1
    await beats(bench, wanted)

    lost = await bench.result_of(wanted)
    assert (lost["data"]["outcome"], lost["data"]["retryable"]) == ("failure", True)
    assert "lease ran out" in lost["data"]["error"]

    await answer(bench, wanted)
    late, *_ = await bench.commands.find(lambda d: d["data"].get("job_id") == wanted.job_id and d["id"] != lost["id"])
    assert (late["data"]["outcome"], late["data"]["worker"]) == ("success", "w_1")


async def test_a_heartbeat_is_no_answer(bench: Bench) -> None:
    wanted = job(None)
    await taken_by_worker(bench, wanted)
    await beats(bench, wanted)

    async def heard() -> object:
        return await bench.jobs.find_one({"_id": wanted.job_id, "lease_until": {"$lt": now() + timedelta(hours=1)}})

    await eventually(heard)
    await answer(bench, wanted)
    assert (await bench.result_of(wanted))["data"]["outcome"] == "success"


async def test_a_heartbeat_for_another_organisations_job_is_parked(bench: Bench) -> None:
    wanted = job(None)
    await taken_by_worker(bench, wanted)
    await beats(bench, wanted, organization_id="org_intruder")
    reason = f"organisation org_intruder has no job {wanted.job_id}"
    await bench.parked_results.find(lambda d: d["reason"] == reason)
    document = await bench.jobs.find_one({"_id": wanted.job_id})
    assert document["lease_until"] > now() + timedelta(days=6)


async def test_workers_are_held_to_the_time_of_a_step_that_was_meant_to_be_called(bench: Bench) -> None:
    wanted = job("/contracts", WITHOUT_BASE, timeout_seconds=1.0, config={"timeout_seconds": 1})
    await taken_by_worker(bench, wanted)
    lost = await bench.result_of(wanted)
    assert (lost["data"]["outcome"], lost["data"]["retryable"]) == ("failure", True)
    assert lost["data"]["error"] == "No worker answered within the attempt's time"
