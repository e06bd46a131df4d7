"""A host that fails again and again is left alone, and costs neither its jobs their retries nor others their time."""

from collections.abc import Callable
from datetime import datetime
from ipaddress import ip_network
from itertools import pairwise
from typing import Any

import orjson

from services.automation.calls import CallLimits
from services.automation.store import StoredJob
from shared.clock import now
from shared.metrics import exposition
from tests.integration.automation.conftest import ORGANIZATION, Bench, http, job, job_message
from tests.integration.automation.instances import at_work, store_of
from tests.integration.running import eventually


def jobs_at(limits: CallLimits, endpoint: str, count: int, organization: str = ORGANIZATION) -> list[StoredJob]:
    made = [job(endpoint, organization, timeout_seconds=8) for _ in range(count)]
    return [StoredJob(one, "http", "req_1", one.job_id, None, lane=limits.lane(one)) for one in made]


def limits_of(bench: Bench, **more: Any) -> CallLimits:
    base = f"http://127.0.0.1:{bench.endpoint.port}/hera"
    allowed = {"allowed_hosts": {}, "allowed_networks": {}} | more
    return CallLimits({ORGANIZATION: base, "org_neighbour": base}, **allowed, max_response_bytes=2048)


def noted(answer: Callable[[], bytes], calls: list[datetime]) -> Callable[[], bytes]:
    """The answer; when it was asked for is noted."""

    def noting() -> bytes:
        calls.append(now())
        return answer()

    return noting


def pauses(calls: list[datetime]) -> list[float]:
    """Seconds between one call and the next."""
    return [(later - earlier).total_seconds() for earlier, later in pairwise(calls)]


async def results_of(bench: Bench, jobs: list[StoredJob]) -> list[dict[str, Any]]:
    return [(await bench.result_of(one.job))["data"] for one in jobs]


async def test_jobs_wait_for_a_host_that_failed_and_go_on_when_it_is_back(bench: Bench) -> None:
    store, limits, calls = store_of(bench, "breaker_waits"), limits_of(bench), list[datetime]()
    bench.endpoint.answers["/hera/broken"] = noted(lambda: http(503), calls)
    first, waiting = jobs_at(limits, "/broken", 3), jobs_at(limits, "/broken", 6)
    async with at_work(
        bench, store, limits, automation_circuit_failures=3, automation_circuit_seconds=1.0,
        automation_concurrency_per_host=1,
    ):  # fmt: skip
        await store.add(first, now())
        assert {result["outcome"] for result in await results_of(bench, first)} == {"failure"}
        await store.add(waiting, now())
        bench.endpoint.answers["/hera/broken"] = noted(lambda: http(200, b"{}"), calls)
        assert {result["outcome"] for result in await results_of(bench, waiting)} == {"success"}
    assert len(calls) == 9
    assert pauses(calls)[2] >= 1.0


async def test_only_one_call_tries_a_host_that_is_still_away(bench: Bench) -> None:
    store, limits, calls = store_of(bench, "breaker_trial"), limits_of(bench), list[datetime]()
    bench.endpoint.answers["/hera/away"] = noted(lambda: http(500), calls)
    jobs = jobs_at(limits, "/away", 20)
    async with at_work(
        bench, store, limits, automation_circuit_failures=1, automation_circuit_seconds=0.3,
        automation_concurrency_per_host=1,
    ):  # fmt: skip
        await store.add(jobs, now())

        async def four() -> bool:
            return len(calls) >= 4

        await eventually(four)
    assert min(pauses(calls)) >= 0.3


async def test_another_organisation_calls_the_same_host_as_ever(bench: Bench) -> None:
    store, limits = store_of(bench, "breaker_neighbour"), limits_of(bench)
    bench.endpoint.answers["/hera/theirs"] = lambda: http(500)
    bench.endpoint.answers["/hera/ours"] = lambda: http(200, b"{}")
    theirs, ours = jobs_at(limits, "/theirs", 1), jobs_at(limits, "/ours", 3, "org_neighbour")
    async with at_work(bench, store, limits, automation_circuit_failures=1, automation_circuit_seconds=600.0):
        await store.add(theirs, now())
        await results_of(bench, theirs)
        await store.add(ours, now())
        assert {result["outcome"] for result in await results_of(bench, ours)} == {"success"}


async def test_a_job_that_waited_too_long_fails_without_a_call_and_says_until_when(bench: Bench) -> None:
    store, limits, calls = store_of(bench, "breaker_patience"), limits_of(bench), list[datetime]()
    bench.endpoint.answers["/hera/gone"] = noted(lambda: http(500), calls)
    first, stuck = jobs_at(limits, "/gone", 1), jobs_at(limits, "/gone", 2)
    async with at_work(
        bench, store, limits, automation_circuit_failures=1, automation_circuit_seconds=600.0,
        automation_circuit_patience_seconds=0.2,
    ):  # fmt: skip
        await store.add(first, now())
        await results_of(bench, first)
        await store.add(stuck, now())
        results = await results_of(bench, stuck)
    assert {(result["outcome"], result["retryable"]) for result in results} == {("failure", True)}
    assert all("circuit open until 20" in result["error"] for result in results)
    assert all(500 < result["retry_after_seconds"] <= 600 for result in results)
    assert len(calls) == 1


async def test_a_refusal_or_a_plea_for_patience_opens_no_circuit(bench: Bench) -> None:
    store, limits = store_of(bench, "breaker_429"), limits_of(bench)
    bench.endpoint.answers["/hera/slow-down"] = lambda: http(429, headers="retry-after: 90\r\n")
    bench.endpoint.answers["/hera/refused"] = lambda: http(404)
    slowed, refused = jobs_at(limits, "/slow-down", 4), jobs_at(limits, "/refused", 4)
    async with at_work(bench, store, limits, automation_circuit_failures=1, automation_circuit_seconds=600.0):
        await store.add(slowed + refused, now())
        results = await results_of(bench, slowed + refused)
    assert [(r["retryable"], r["retry_after_seconds"]) for r in results] == [(True, 90.0)] * 4 + [(False, None)] * 4


async def test_a_slow_host_holds_up_no_other_host_of_its_organisation(bench: Bench) -> None:
    """More jobs than the organisation may have in hand go to a host that never answers."""
    networks = {"*": [ip_network("127.0.0.0/8")]}
    other = f"localhost:{bench.endpoint.port}"
    limits = limits_of(bench, allowed_hosts={"*": frozenset({other})}, allowed_networks=networks)
    store = store_of(bench, "breaker_slow")
    bench.endpoint.answers["/quick"] = lambda: http(200, orjson.dumps({"quick": True}))
    slow, quick = jobs_at(limits, "/never-answers", 20), jobs_at(limits, f"http://{other}/quick", 1)
    async with at_work(
        bench, store, limits, automation_concurrency_per_host=4, automation_concurrency_per_organization=8
    ):
        await store.add(slow, now())
        await store.add(quick, now())
        (result,) = await results_of(bench, quick)
        silent = {one.job.job_id for one in slow}
        assert not [d for d in await bench.commands.seen() if d["data"].get("job_id") in silent]
    assert result["data"] == {"quick": True}


async def test_the_log_and_the_numbers_tell_of_a_circuit(bench: Bench) -> None:
    store, limits = store_of(bench, "breaker_told"), limits_of(bench)
    bench.endpoint.answers["/hera/told-of"] = lambda: http(500)
    async with at_work(bench, store, limits, automation_circuit_failures=1, automation_circuit_seconds=600.0):
        jobs = jobs_at(limits, "/told-of", 1)
        await store.add(jobs, now())
        await results_of(bench, jobs)
        text = exposition()[0].decode()
    assert "\nhera_automation_circuits_open 1.0\n" in text
    assert 'hera_automation_circuit_changes_total{to="opened"}' in text


async def test_a_job_from_the_topic_is_bounded_by_its_organisation_and_host(bench: Bench) -> None:
    bench.endpoint.answers["/hera/lane"] = lambda: http(200, b"{}")
    wanted = job("/lane")
    await bench.publish(job_message(wanted))
    await bench.result_of(wanted)
    document = await bench.jobs.find_one({"_id": wanted.job_id})
    assert document["lane"] == f"{ORGANIZATION} 127.0.0.1:{bench.endpoint.port}"
