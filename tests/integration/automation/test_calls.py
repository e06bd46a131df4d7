"""Automated steps over HTTP, from the job on Kafka to the result on Kafka."""

import orjson

from tests.integration.automation.conftest import WITHOUT_BASE, Bench, http, job, job_message
from tests.integration.running import eventually


async def test_the_answer_of_the_endpoint_becomes_the_steps_result(bench: Bench) -> None:
    bench.endpoint.answers["/hera/contracts"] = lambda: http(200, b'{"contract_id": "c_1"}')
    wanted = job("/contracts")
    await bench.publish(job_message(wanted))

    result = await bench.result_of(wanted)
    assert (result["type"], result["key"], result["organization_id"]) == (
        "RecordAutomationResult", wanted.run_id, wanted.organization_id,
    )  # fmt: skip
    assert (result["correlation_id"], result["causation_id"]) == ("req-é-1", wanted.job_id)
    assert (result["data"]["outcome"], result["data"]["data"]) == ("success", {"contract_id": "c_1"})
    assert (result["data"]["caller"]["id"], result["data"]["caller"]["type"]) == ("automation", "service")


async def test_the_endpoint_is_told_run_step_and_data_under_an_idempotency_key(bench: Bench) -> None:
    bench.endpoint.answers["/hera/told"] = lambda: http(204)
    wanted = job("/told")
    await bench.publish(job_message(wanted))

    result = await bench.result_of(wanted)
    ((headers, body),) = bench.endpoint.asked_for(wanted.run_id)
    assert headers["idempotency-key"] == wanted.idempotency_key
    assert headers["x-request-id"] == "req--1"
    assert body == {
        "run_id": wanted.run_id, "step_id": "step_004", "step_name": "Contract Preparation",
        "organization_id": wanted.organization_id, "data": {"a.b": 1, "$set": 2**63},
        "config": {"retry_attempts": 3}, "context": {"entity_id": "cust_1"},
    }  # fmt: skip
    assert (result["data"]["outcome"], result["data"]["data"]) == ("success", {})


async def test_a_fault_of_the_endpoint_is_worth_another_attempt_and_a_refusal_is_not(bench: Bench) -> None:
    bench.endpoint.answers["/hera/503"] = lambda: http(503, b"overloaded")
    bench.endpoint.answers["/hera/422"] = lambda: http(422, b"no")
    faulty, refused = job("/503"), job("/422")
    await bench.publish(job_message(faulty), job_message(refused))

    first, second = await bench.result_of(faulty), await bench.result_of(refused)
    assert (first["data"]["outcome"], first["data"]["retryable"]) == ("failure", True)
    assert first["data"]["error"] == "the endpoint answered 503: overloaded"
    assert (second["data"]["outcome"], second["data"]["retryable"]) == ("failure", False)


async def test_an_endpoint_that_does_not_answer_holds_up_nobody_else(bench: Bench) -> None:
    bench.endpoint.answers["/hera/quick"] = lambda: http(200, b"{}")
    silent, quick = job("/silent", timeout_seconds=2.0), job("/quick")
    await bench.publish(job_message(silent), job_message(quick))

    await bench.result_of(quick)
    assert not [d for d in await bench.commands.seen() if d["data"].get("job_id") == silent.job_id]
    timed_out = await bench.result_of(silent)
    assert timed_out["data"]["error"] == "the endpoint did not answer within 2 s"
    assert timed_out["data"]["retryable"] is True


async def test_redirects_are_not_followed(bench: Bench) -> None:
    bench.endpoint.answers["/hera/moved"] = lambda: http(302, headers="location: http://169.254.169.254/\r\n")
    wanted = job("/moved")
    await bench.publish(job_message(wanted))
    result = await bench.result_of(wanted)
    assert (result["data"]["outcome"], result["data"]["retryable"]) == ("failure", False)


async def test_an_answer_without_bounds_is_cut_off(bench: Bench) -> None:
    bench.endpoint.answers["/hera/endless"] = lambda: http(200, orjson.dumps({"x": "y" * 5000}))
    wanted = job("/endless")
    await bench.publish(job_message(wanted))
    assert "more than 2048 bytes" in (await bench.result_of(wanted))["data"]["error"]


async def test_nobody_at_the_address_is_worth_another_attempt(bench: Bench) -> None:
    bench.endpoint.answers["/hera/hang-up"] = lambda: b""
    wanted = job("/hang-up")
    await bench.publish(job_message(wanted))
    result = await bench.result_of(wanted)
    assert result["data"]["retryable"] is True
    assert "could not be reached" in result["data"]["error"]


async def test_an_absolute_address_needs_an_allowed_host_that_leads_to_a_public_address(bench: Bench) -> None:
    elsewhere = job("https://elsewhere.example/x", WITHOUT_BASE)
    inside = job(f"http://localhost:{bench.endpoint.port}/x", WITHOUT_BASE)
    await bench.publish(job_message(elsewhere), job_message(inside))

    refused, forbidden = await bench.result_of(elsewhere), await bench.result_of(inside)
    assert "elsewhere.example is not among the organisation's allowed hosts" in refused["data"]["error"]
    assert "is not open to calls from here" in forbidden["data"]["error"]
    assert {refused["data"]["retryable"], forbidden["data"]["retryable"]} == {False}
    assert bench.endpoint.asked_for(inside.run_id) == []


async def test_a_job_that_comes_twice_is_done_once(bench: Bench) -> None:
    bench.endpoint.answers["/hera/once"] = lambda: http(200, b"{}")
    wanted, marker = job("/once"), job("/once")
    await bench.publish(job_message(wanted))
    await bench.result_of(wanted)
    await bench.publish(job_message(wanted), job_message(marker))
    await bench.result_of(marker)

    assert len(bench.endpoint.asked_for(wanted.run_id)) == 1


async def test_a_job_that_is_done_keeps_no_data_and_expires(bench: Bench) -> None:
    bench.endpoint.answers["/hera/done"] = lambda: http(200, b"{}")
    wanted = job("/done")
    await bench.publish(job_message(wanted))

    async def done() -> object:
        return await bench.jobs.find_one({"_id": wanted.job_id, "state": "done"})

    document = await eventually(done)
    assert "job" not in document
    assert document["expires_at"]
    assert any(index.get("expireAfterSeconds") == 0 for index in (await bench.jobs.index_information()).values())
