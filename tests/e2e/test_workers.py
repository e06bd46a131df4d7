"""External workers, seen from outside: leases, late and repeated answers, and the complete endpoint."""

import uuid
from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest_asyncio
from aiokafka import AIOKafkaProducer

from contracts.jobs import WorkerJob
from contracts.topics import WORKER_JOBS, WORKER_RESULTS
from tests.e2e.rest import Rest
from tests.integration.running import Tap, eventually, tap
from tests.kafka import client_options
from tests.running_stack import RunningStack


class Workers:
    """Whoever reads worker.jobs and writes worker.results."""

    def __init__(self, offered: Tap, producer: Any) -> None:
        self._offered = offered
        self._producer = producer

    async def job(self, run_id: str, attempt: int = 1) -> WorkerJob:
        found = await self._offered.find(lambda d: (d["run_id"], d["attempt_number"]) == (run_id, attempt))
        return WorkerJob.model_validate(found[0])

    async def say(self, job: WorkerJob, outcome: str, **more: Any) -> None:
        said = {**job.model_dump(include={"job_id", "run_id", "organization_id", "step_id"}), "outcome": outcome}
        value = orjson.dumps(said | more)
        await self._producer.send_and_wait(WORKER_RESULTS.name, value, key=job.run_id.encode())


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def workers(stack: RunningStack) -> AsyncIterator[Workers]:
    producer = AIOKafkaProducer(**client_options(stack.bootstrap_servers), acks="all")
    async with tap(stack.bootstrap_servers, WORKER_JOBS) as offered, producer:
        yield Workers(offered, producer)


def playbook(**config: Any) -> dict[str, Any]:
    smart_code = f"HERA.TEST.PLAYBOOK.WORKERS.T{uuid.uuid4().hex[:12].upper()}.v1"
    step = {"name": "Scoring", "sequence": 1, "step_type": "automated", "automation_config": config}
    return {"name": "Scoring", "smart_code": smart_code, "steps": [step]}


async def events_of(rest: Rest, run_id: str) -> list[str]:
    timeline = await rest.data("GET", f"/playbook-runs/{run_id}/timeline?include_system_events=true")
    return [entry["event_type"] for entry in timeline["timeline"]]


async def has_status(rest: Rest, run_id: str, status: str) -> None:
    async def reached() -> bool:
        return bool((await rest.data("GET", f"/playbook-runs/{run_id}"))["status"] == status)

    await eventually(reached)


async def has_event(rest: Rest, run_id: str, name: str, count: int = 1) -> None:
    async def there() -> bool:
        return (await events_of(rest, run_id)).count(name) >= count

    await eventually(there)


async def test_a_worker_that_falls_silent_loses_its_job_to_the_next_attempt(rest: Rest, workers: Workers) -> None:
    run_id = await rest.started(await rest.created(playbook(lease_seconds=1)))
    first = await workers.job(run_id)
    await workers.say(first, "heartbeat")
    second = await workers.job(run_id, attempt=2)
    assert (second.idempotency_key, second.lease_seconds) == (first.idempotency_key, 1)

    await workers.say(first, "success", data={"score": 1})
    await has_event(rest, run_id, "late_result_recorded")
    await workers.say(second, "success", data={"score": 2})
    await has_status(rest, run_id, "completed")
    assert (await rest.data("GET", f"/playbook-runs/{run_id}"))["data"] == {"score": 2}


async def test_answers_that_come_again_or_from_elsewhere_change_nothing(rest: Rest, workers: Workers) -> None:
    run_id = await rest.started(await rest.created(playbook()))
    job = await workers.job(run_id)
    await workers.say(job, "success", data={"score": 0}, organization_id="org_intruder")
    for score in (1, 2, 3):
        await workers.say(job, "success", data={"score": score})
    await has_status(rest, run_id, "completed")

    other = await rest.started(await rest.created(playbook()))
    await workers.say(await workers.job(other), "success")  # behind all of them, where they share a partition
    await has_status(rest, other, "completed")
    assert (await rest.data("GET", f"/playbook-runs/{run_id}"))["data"] == {"score": 1}
    assert (await events_of(rest, run_id)).count("step_completed") == 1


async def test_an_answer_of_a_later_version_fails_its_step_and_stops_no_other(rest: Rest, workers: Workers) -> None:
    run_id = await rest.started(await rest.created(playbook()))
    await workers.say(await workers.job(run_id), "success", data={"score": 1}, schema_version=2)
    await has_status(rest, run_id, "failed")
    run = await rest.data("GET", f"/playbook-runs/{run_id}")
    assert "must be 1 or lower" in run["steps_status"][0]["reason"] and run["data"] == {}

    other = await rest.started(await rest.created(playbook()))
    await workers.say(await workers.job(other), "success", schema_version=1)
    await has_status(rest, other, "completed")


async def test_a_worker_may_answer_over_the_complete_endpoint(rest: Rest, workers: Workers) -> None:
    run_id = await rest.started(await rest.created(playbook()))
    job = await workers.job(run_id)
    person = await rest.somebody("clerk").complete(run_id, 1, data={"score": 8})
    assert (person.status_code, person.json()["error"]["details"]["required_permission"]) == (403, "step:work")
    machine = rest.somebody("scoring-machine", permissions=("run:read", "step:work"))
    answer = await machine.complete(run_id, 1, data={"score": 9})
    assert answer.status_code == 200, answer.text
    await workers.say(job, "success", data={"score": 1})
    await has_event(rest, run_id, "late_result_recorded")
    assert (await rest.data("GET", f"/playbook-runs/{run_id}"))["data"] == {"score": 9}


async def test_nothing_starts_while_the_run_is_paused_and_what_was_in_flight_is_recorded(
    rest: Rest, workers: Workers
) -> None:
    run_id = await rest.started(await rest.created(playbook(retry_attempts=1)))
    first = await workers.job(run_id)
    await rest.data("POST", f"/playbook-runs/{run_id}/signal", {"signal": {"type": "pause", "reason": "audit"}})
    await workers.say(first, "failure", error="no line", retryable=True)
    await has_event(rest, run_id, "automation_attempt_failed")
    assert (await events_of(rest, run_id)).count("automation_requested") == 1
    await rest.data("POST", f"/playbook-runs/{run_id}/signal", {"signal": {"type": "resume"}})
    await workers.say(await workers.job(run_id, attempt=2), "success")
    await has_status(rest, run_id, "completed")
