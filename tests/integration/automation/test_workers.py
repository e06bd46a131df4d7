"""Automated steps by external workers: jobs and results are plain JSON on public topics."""

import base64
from typing import Any

import orjson

from contracts.jobs import AutomationJob, WorkerJob
from contracts.topics import WORKER_RESULTS
from tests.integration.automation.conftest import ORGANIZATION, WITHOUT_BASE, Bench, http, job, job_message
from tests.integration.running import plain


def result_for(wanted: AutomationJob, **over: Any) -> dict[str, Any]:
    return {
        "job_id": wanted.job_id, "run_id": wanted.run_id, "organization_id": wanted.organization_id,
        "step_id": wanted.step_id, "outcome": "success", "data": {"contract_id": "c_1"}, "worker": "w_1",
    } | over  # fmt: skip


async def answer(bench: Bench, wanted: AutomationJob, **over: Any) -> None:
    await bench.publish(plain(WORKER_RESULTS, wanted.run_id, orjson.dumps(result_for(wanted, **over))))


async def taken_by_worker(bench: Bench, wanted: AutomationJob) -> WorkerJob:
    await bench.publish(job_message(wanted))
    found = await bench.worker_jobs.find(lambda d: d["job_id"] == wanted.job_id)
    return WorkerJob.model_validate(found[0])


async def test_a_job_without_an_endpoint_is_offered_to_workers(bench: Bench) -> None:
    wanted = job(None)
    offered = await taken_by_worker(bench, wanted)
    assert offered.data == wanted.data
    assert offered.idempotency_key == wanted.idempotency_key


async def test_a_job_of_an_organisation_without_a_base_address_is_offered_to_workers(bench: Bench) -> None:
    offered = await taken_by_worker(bench, job("/contracts", WITHOUT_BASE))
    assert offered.organization_id == WITHOUT_BASE


async def test_a_workers_answer_becomes_the_steps_result(bench: Bench) -> None:
    wanted = job(None)
    await taken_by_worker(bench, wanted)
    await answer(bench, wanted)
    result = await bench.result_of(wanted)
    assert (result["key"], result["data"]["outcome"], result["data"]["worker"]) == (wanted.run_id, "success", "w_1")
    assert result["data"]["data"] == {"contract_id": "c_1"}


async def test_repeated_answers_have_one_command_id(bench: Bench) -> None:
    wanted = job(None)
    await taken_by_worker(bench, wanted)
    await answer(bench, wanted)
    await answer(bench, wanted, outcome="failure", error="changed my mind")
    await bench.result_of(wanted)
    marker = job(None)
    await taken_by_worker(bench, marker)
    await answer(bench, marker)
    await bench.result_of(marker)

    ids = {d["id"] for d in await bench.commands.seen() if d["data"].get("job_id") == wanted.job_id}
    assert len(ids) == 1


async def test_an_answer_for_another_organisations_job_is_parked(bench: Bench) -> None:
    wanted = job(None)
    await taken_by_worker(bench, wanted)
    await answer(bench, wanted, organization_id="org_other")
    reason = f"organisation org_other has no job {wanted.job_id}"
    await bench.parked_results.find(lambda d: d["reason"] == reason)
    await answer(bench, wanted)
    assert (await bench.result_of(wanted))["organization_id"] == ORGANIZATION


async def test_answers_that_belong_to_no_workers_job_are_parked_with_the_reason(bench: Bench) -> None:
    bench.endpoint.answers["/hera/own"] = lambda: http(200, b"{}")
    wanted, called = job(None), job("/own")
    await taken_by_worker(bench, wanted)
    await bench.publish(job_message(called))
    await bench.result_of(called)
    await answer(bench, wanted, run_id="run_other")
    await answer(bench, job(None))
    await answer(bench, called)

    for reason in ("is of run", "has no job", "was not given to workers"):
        await bench.parked_results.find(lambda d, reason=reason: reason in d["reason"])  # type: ignore[misc]


async def test_what_is_no_result_is_parked_with_its_bytes_and_stops_nothing(bench: Bench) -> None:
    bad = [b"{", b"[]", b'{"job_id": "x"}', b'{"deep": ' + b"[" * 2000 + b"]" * 2000 + b"}", b"x" * 4096]
    await bench.publish(*(plain(WORKER_RESULTS, "k", value) for value in bad))
    wanted = job(None)
    await taken_by_worker(bench, wanted)
    await answer(bench, wanted)

    await bench.result_of(wanted)
    originals = {base64.b64encode(value).decode() for value in bad}
    await bench.parked_results.find(lambda d: d["value_base64"] in originals, count=len(bad))


async def test_an_answer_that_cannot_be_passed_on_is_parked(bench: Bench) -> None:
    wanted = job(None)
    await taken_by_worker(bench, wanted)
    nested: Any = "bottom"
    for _ in range(600):
        nested = [nested]
    value = orjson.dumps(result_for(wanted)).replace(b'"c_1"', b"[" * 600 + b"1" + b"]" * 600)
    await bench.publish(plain(WORKER_RESULTS, wanted.run_id, value))
    await bench.parked_results.find(lambda d: "unexpected" in d["reason"])
