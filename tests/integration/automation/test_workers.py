"""Automated steps by external workers: jobs and results are plain JSON on public topics."""

import base64
from collections.abc import Callable
from typing import Any

import orjson
import pytest

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


def spoilt(wanted: AutomationJob, **over: Any) -> bytes:
    return orjson.dumps(result_for(wanted, **over))


SPOILT: dict[str, tuple[Callable[[AutomationJob], bytes], str]] = {
    "data that is no object": (lambda j: spoilt(j, data=[1]), "data: Input should be a valid dictionary"),
    "a newer version": (lambda j: spoilt(j, schema_version=2), "schema_version: Value error, must be 1 or lower"),
    "an outcome that is none": (lambda j: spoilt(j, outcome="ok"), "outcome: Input should be 'success', 'failure' or"),
    "a pause without end": (lambda j: spoilt(j, outcome="failure", retry_after_seconds=1e9), "retry_after_seconds"),
    "without a step": (lambda j: spoilt(j, step_id=None), "step_id: Input should be a valid string"),
    "nested too deep": (lambda j: spoilt(j).replace(b'"c_1"', b"[" * 600 + b"1" + b"]" * 600), "Nested deeper than 50"),
    "a number beyond 64 bits": (lambda j: spoilt(j, data={"n": 2**63}), "data.n: Integers must fit in 64 bits"),
    "too large": (lambda j: spoilt(j, data={"x": "y" * 4000}), "it has more than 2048 bytes"),
}  # fmt: skip


@pytest.mark.parametrize("case", SPOILT)
async def test_a_spoilt_answer_ends_its_attempt_and_says_what_is_wrong(bench: Bench, case: str) -> None:
    wanted, (value_of, told) = job(None), SPOILT[case]
    await taken_by_worker(bench, wanted)
    value = value_of(wanted)
    await bench.publish(plain(WORKER_RESULTS, wanted.run_id, value))
    ended = (await bench.result_of(wanted))["data"]
    assert (ended["outcome"], ended["retryable"], ended["data"], ended["worker"]) == ("failure", False, {}, "w_1")
    assert ended["error"].startswith("The worker's answer is not valid: ") and told in ended["error"]
    (parked,) = await bench.parked_results.find(lambda d: d["value_base64"] == base64.b64encode(value).decode())
    assert told in parked["reason"]


async def test_a_valid_answer_after_a_spoilt_one_is_late(bench: Bench) -> None:
    wanted = job(None)
    await taken_by_worker(bench, wanted)
    await answer(bench, wanted, data="none")
    first = await bench.result_of(wanted)
    await answer(bench, wanted)
    late, *_ = await bench.commands.find(lambda d: d["data"].get("job_id") == wanted.job_id and d["id"] != first["id"])
    assert (late["data"]["outcome"], late["data"]["data"]) == ("success", {"contract_id": "c_1"})


async def test_a_spoilt_answer_after_a_valid_one_changes_nothing(bench: Bench) -> None:
    wanted, marker = job(None), job(None)
    await taken_by_worker(bench, wanted)
    await taken_by_worker(bench, marker)
    await answer(bench, wanted)
    await bench.result_of(wanted)
    await answer(bench, wanted, data="none")
    await answer(bench, marker)
    await bench.parked_results.find(lambda d: wanted.run_id in base64.b64decode(d["value_base64"] or b"").decode())
    await bench.result_of(marker)
    assert len([d for d in await bench.commands.seen() if d["data"].get("job_id") == wanted.job_id]) == 1


@pytest.mark.parametrize(
    "over",
    [{"organization_id": "org_other"}, {"run_id": "run_other"}, {"step_id": "step_999"}, {"outcome": "heartbeat"}],
    ids=str,
)
async def test_a_spoilt_answer_that_is_not_the_jobs_own_or_is_none_ends_nothing(
    bench: Bench, over: dict[str, Any]
) -> None:
    wanted = job(None)
    await taken_by_worker(bench, wanted)
    value = spoilt(wanted, data="none", **over)
    await bench.publish(plain(WORKER_RESULTS, wanted.run_id, value))
    (parked,) = await bench.parked_results.find(lambda d: d["value_base64"] == base64.b64encode(value).decode())
    assert "data: Input should be a valid dictionary" in parked["reason"]
    await answer(bench, wanted)
    assert (await bench.result_of(wanted))["data"]["outcome"] == "success"
