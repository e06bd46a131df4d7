"""What a 202 leads to: the outcome is there, stays, and comes again under the key, whatever happens in between."""

import uuid
from typing import Any

import httpx
import pytest

from tests.e2e.rest import Rest
from tests.integration.running import eventually
from tests.running_stack import RunningStack

MANY = 40
ASYNC = "respond-async"
SECRET = {"name": "ssn", "type": "text", "encrypted": True}


def tasks(*steps: dict[str, Any]) -> dict[str, Any]:
    code = f"HERA.TEST.PLAYBOOK.OUTCOMES.N{uuid.uuid4().hex[:12].upper()}.v1"
    return {"name": "Outcomes", "smart_code": code, "steps": list(steps) or [{"name": "A", "sequence": 1}]}


async def outcome(rest: Rest, answer: httpx.Response) -> Any:
    """The operation that a 202 names, once it runs no more."""
    assert answer.status_code == 202, answer.text
    path = answer.headers["Location"].removeprefix("/api/v1")

    async def ended() -> Any:
        found = await rest.data("GET", path)
        return found if found["status"] != "running" else None

    return await eventually(ended)


@pytest.mark.parametrize("key", [{}, {"Idempotency_Key": "once"}], ids=["without a key", "with a key"])
async def test_a_refused_command_reads_as_failed_and_a_taken_one_as_succeeded_after_many_others(
    rest: Rest, key: dict[str, str]
) -> None:
    run_id = await rest.started(await rest.created(tasks({"name": "A", "sequence": 1}, {"name": "B", "sequence": 2})))
    path = f"/playbook-runs/{run_id}/steps/step_002/complete"
    refused = await rest.ask("POST", path, {"completion": {}}, Prefer=ASYNC, **key)
    taken = await rest.ask("PATCH", f"/playbook-runs/{run_id}", {"run": {"data": {"a": 1}}}, Prefer=ASYNC, **key)
    firsts = [await outcome(rest, answer) for answer in (refused, taken)]
    assert [first["status"] for first in firsts] == ["failed", "succeeded"]
    for number in range(MANY):
        await rest.data("PATCH", f"/playbook-runs/{run_id}", {"run": {"data": {"n": number}}})
    assert [await outcome(rest, answer) for answer in (refused, taken)] == firsts


async def test_a_start_that_was_accepted_gets_202_and_then_its_first_answer_though_its_playbook_was_archived(
    rest: Rest, stack: RunningStack
) -> None:
    playbook_id, key = await rest.created(tasks()), uuid.uuid4().hex
    body = {"run": {"playbook_id": playbook_id}}
    with stack.frozen("run_engine"):
        first = await rest.ask("POST", "/playbook-runs", body, Idempotency_Key=key, Prefer=ASYNC)
        await rest.data("POST", f"/playbooks/{playbook_id}/archive", {})
        again = await rest.ask("POST", "/playbook-runs", body, Idempotency_Key=key)
        assert (again.status_code, again.headers["Location"]) == (202, first.headers["Location"])
        other = {"run": {"playbook_id": playbook_id, "context": {"another": "body"}}}
        assert (await rest.error("POST", "/playbook-runs", other, Idempotency_Key=key))["status"] == 409
    result = (await outcome(rest, first))["result"]
    started = await rest.ask("POST", "/playbook-runs", body, Idempotency_Key=key)
    assert (started.status_code, started.headers["X-Idempotent-Replay"]) == (201, "true")
    assert started.json()["data"] == result
    assert (await rest.error("POST", "/playbook-runs", body, Idempotency_Key="new"))["code"] == "CONFLICT"


@pytest.mark.parametrize("encrypted", [False, True], ids=["clear", "encrypted"])
async def test_a_start_gets_its_first_answer_though_its_playbook_was_archived_or_deleted(
    rest: Rest, encrypted: bool
) -> None:
    step = {"name": "A", "sequence": 1, "metadata": {"form_fields": [SECRET] if encrypted else []}}
    playbook_id, key = await rest.created(tasks(step)), uuid.uuid4().hex
    body = {"run": {"playbook_id": playbook_id, "initial_data": {"ssn": "078-05-1120"}}}
    first = await rest.ask("POST", "/playbook-runs", body, Idempotency_Key=key, Prefer=ASYNC)
    result = (await outcome(rest, first))["result"]
    await rest.data("POST", f"/playbooks/{playbook_id}/archive", {})
    archived = await rest.ask("POST", "/playbook-runs", body, Idempotency_Key=key, Prefer=ASYNC)
    assert (archived.status_code, archived.json().get("data")) == (201, result)
    late = uuid.uuid4().hex
    other = {**body, "run": {**body["run"], "context": {"n": 1}}}
    await rest.data("POST", f"/playbooks/{playbook_id}/restore", {})
    second = await outcome(rest, await rest.ask("POST", "/playbook-runs", other, Idempotency_Key=late, Prefer=ASYNC))
    for run in (result, second["result"]):
        cancel = {"signal": {"type": "cancel", "reason": "x"}}
        await rest.data("POST", f"/playbook-runs/{run['run_id']}/signal", cancel)
    await rest.data("DELETE", f"/playbooks/{playbook_id}")
    deleted = await rest.ask("POST", "/playbook-runs", other, Idempotency_Key=late)
    assert (deleted.status_code, deleted.json().get("data")) == (201, second["result"])


async def test_a_delete_that_was_accepted_gets_its_first_answer_again(rest: Rest, stack: RunningStack) -> None:
    playbook_id, key = await rest.created(tasks()), uuid.uuid4().hex
    with stack.frozen("playbook_registry"):
        first = await rest.ask("DELETE", f"/playbooks/{playbook_id}", Idempotency_Key=key, Prefer=ASYNC)
    assert (await outcome(rest, first))["status"] == "succeeded"
    again = await rest.ask("DELETE", f"/playbooks/{playbook_id}", Idempotency_Key=key)
    assert (again.status_code, again.json()["data"]["status"]) == (200, "deleted")


async def test_an_operation_under_a_key_is_the_same_each_time(rest: Rest) -> None:
    run_id, key = await rest.started(await rest.created(tasks())), uuid.uuid4().hex
    asked = {"filter": {"run_ids": [run_id]}, "signal": {"type": "pause", "reason": "audit"}}
    answers = [await rest.ask("POST", "/playbook-runs/bulk-signal", asked, Idempotency_Key=key) for _ in range(3)]
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.headers["Location"] for answer in answers}) == 1
