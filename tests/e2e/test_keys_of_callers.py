"""An Idempotency-Key belongs to its caller: colleagues may use the same one, each for a request of their own."""

import hashlib
import uuid
from datetime import timedelta
from typing import Any

import httpx
import orjson
from aiokafka import AIOKafkaProducer
from pymongo import AsyncMongoClient

from contracts import topics
from contracts.commands import UpdateData
from contracts.values import Caller
from shared import clock
from shared.ids import stable_id
from shared.messages import command_message
from tests.e2e.office import Office, User
from tests.integration.running import eventually
from tests.kafka import client_options
from tests.running_stack import RunningStack

COMMITTEE = {
    "name": "Vote", "sequence": 1, "step_type": "approval", "assignee_roles": ["committee"],
    "metadata": {"committee_size": 2, "voting_threshold": 1.0},
}  # fmt: skip
CLERKS = {"name": "File", "sequence": 1, "assignee_roles": ["clerk"]}
TASK = {"name": "Look", "sequence": 1}
REPLAY = "X-Idempotent-Replay"


async def test_a_second_voter_under_the_same_key_is_counted(office: Office) -> None:
    run_id, body = await office.run(await office.playbook(COMMITTEE)), {"completion": {"outcome": "approve"}}
    path = f"/playbook-runs/{run_id}/steps/step_001/complete"
    for voter in ("ann", "bob"):
        answer = await office.user(voter, "committee").ask("POST", path, body, Idempotency_Key="my vote")
        assert (answer.status_code, REPLAY in answer.headers) == (200, False)
    assert (await office.user("ann").data("GET", f"/playbook-runs/{run_id}"))["status"] == "completed"


async def test_a_colleague_s_refusal_is_not_given_to_somebody_else(office: Office) -> None:
    run_id = await office.run(await office.playbook(CLERKS))
    body: dict[str, Any] = {"completion": {}}
    path = f"/playbook-runs/{run_id}/steps/step_001/complete"
    assert (await office.user("eve").ask("POST", path, body, Idempotency_Key="done")).status_code == 403
    assert (await office.user("carl", "clerk").ask("POST", path, body, Idempotency_Key="done")).status_code == 200
    again = await office.user("eve").ask("POST", path, body, Idempotency_Key="done")
    assert (again.status_code, again.headers[REPLAY]) == (403, "true")


async def test_each_caller_starts_a_run_of_their_own_under_the_same_key(office: Office) -> None:
    body = {"run": {"playbook_id": await office.playbook(TASK)}}
    runs = [await office.user(name).data("POST", "/playbook-runs", body, Idempotency_Key="new") for name in ("a", "b")]
    assert runs[0]["run_id"] != runs[1]["run_id"]


async def test_a_key_that_was_answered_before_the_upgrade_gets_its_first_answer(
    office: Office, stack: RunningStack
) -> None:
    run_id = await office.run(await office.playbook(TASK))
    request, body = former_request(office.user("ann"), f"/playbook-runs/{run_id}", {"run": {"data": {"a": 1}}})
    first = b'{"success":true,"data":{"first":"answer"}}'
    await stored_by_a_former_gateway(stack, request, {"status": 200, "body": first, "headers": {}})
    answer = await sent(office, "ann", request, body)
    assert (answer.status_code, answer.content, answer.headers[REPLAY]) == (200, first, "true")
    assert (await office.user("ann").data("GET", f"/playbook-runs/{run_id}"))["data"] == {}


async def test_a_key_that_was_accepted_before_the_upgrade_is_carried_out_once(
    office: Office, stack: RunningStack
) -> None:
    """The former gateway answered 202; the engine has taken the command under the id that the key had then."""
    run_id = await office.run(await office.playbook(TASK))
    request, body = former_request(office.user("ann"), f"/playbook-runs/{run_id}", {"run": {"data": {"a": 1}}})
    await stored_by_a_former_gateway(stack, request, {})
    await sent_by_a_former_gateway(stack, office, request, run_id)

    async def taken() -> bool:
        return bool((await office.user("ann").data("GET", f"/playbook-runs/{run_id}"))["data"] == {"a": 1})

    await eventually(taken)
    timeline = f"/playbook-runs/{run_id}/timeline"
    before = (await office.user("ann").data("GET", timeline))["summary"]["total_events"]
    answer = await sent(office, "ann", request, body)
    assert (answer.status_code, answer.headers[REPLAY]) == (200, "true")
    assert (await office.user("ann").data("GET", timeline))["summary"]["total_events"] == before


def former_request(user: User, path: str, body: dict[str, Any]) -> tuple[dict[str, str], bytes]:
    """What a former gateway knew of a PATCH: its path, key, command id and fingerprint; and its body."""
    key, raw = uuid.uuid4().hex, orjson.dumps({"organization_id": user.organization_id, **body})
    command_id = stable_id("cmd", user.organization_id, "PATCH", f"/api/v1{path}", key)
    return {"path": path, "key": key, "id": command_id, "fingerprint": hashlib.sha256(raw).hexdigest()}, raw


async def stored_by_a_former_gateway(stack: RunningStack, request: dict[str, str], answer: dict[str, Any]) -> None:
    long_ago = clock.now() - timedelta(hours=1)
    row = {"_id": request["id"], "fingerprint": request["fingerprint"], "began": long_ago, "at": clock.now(), **answer}
    async with AsyncMongoClient[dict[str, Any]](stack.mongodb_uri) as mongo:
        await mongo[f"{stack.database_prefix}_gateway"]["idempotency_keys"].insert_one(row)


async def sent_by_a_former_gateway(stack: RunningStack, office: Office, request: dict[str, str], run_id: str) -> None:
    command = command_message(
        topics.RUN_COMMANDS.name, run_id, UpdateData(caller=Caller(id="ann", permissions=("*",)), data={"a": 1}),
        message_id=request["id"], organization_id=office.organization_id, correlation_id="req_1", time=clock.now(),
        fingerprint=request["fingerprint"],
    )  # fmt: skip
    async with AIOKafkaProducer(**client_options(stack.bootstrap_servers)) as producer:
        await producer.send_and_wait(command.topic, command.value, key=run_id.encode())


async def sent(office: Office, name: str, request: dict[str, str], body: bytes) -> httpx.Response:
    user = office.user(name)
    headers = {**user.headers, "Idempotency-Key": request["key"], "Content-Type": "application/json"}
    return await user.http.request("PATCH", f"/api/v1{request['path']}", content=body, headers=headers)
