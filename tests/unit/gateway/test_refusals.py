"""Whatever is wrong with a request is told in the envelope, in the order of the reference."""

import json
from collections.abc import AsyncIterator
from typing import Any, get_args

import httpx
import pytest

from deploy.local.tokens import ORGANIZATION
from services.gateway.operation_ids import Kind, OperationId
from services.gateway.routes.operations import OPERATIONS
from services.gateway.shapes.examples import example
from tests.unit.gateway.client import authorization, gateway

COMPLETE = "/api/v1/playbook-runs/run_1/steps/step_001/complete"
SIGNAL = "/api/v1/playbook-runs/run_1/signal"
PLAYBOOKS = "/api/v1/playbooks"


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with gateway() as client:
        yield client


def error(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    content = answer.json()
    assert (answer.status_code, content["success"], content["error"]["code"]) == (status, False, code), content
    assert set(content) == {"success", "error"}
    assert set(content["error"]) == {"code", "message", "details"}
    details: dict[str, Any] = content["error"]["details"]
    return details


def completion(**fields: Any) -> dict[str, Any]:
    return {"organization_id": ORGANIZATION, "completion": {"data": fields}}


IDS = {
    "run_id": "run_1", "step_id": "step_001", "playbook_id": "pb_1", "revision": "1", "operation_id": "op_1",
    "policy": "role_order", "calendar": "default", "name": "crm_token", "webhook_id": "wh_1", "delivery_id": "msg_1",
    "delegation_id": "dlg_1",
}  # fmt: skip


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
async def test_lets_nobody_in_without_a_token(client: httpx.AsyncClient, operation: Any) -> None:
    path = operation.path.format(**IDS)
    answer = await client.request(operation.method, path, headers={"Authorization": ""}, content=b"not even JSON")
    error(answer, 401, "UNAUTHORIZED")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
async def test_asks_for_the_permission_that_is_documented(client: httpx.AsyncClient, operation: Any) -> None:
    path = operation.path.format(**IDS)
    body = {"organization_id": ORGANIZATION} if operation.body else None
    answer = await client.request(operation.method, path, headers=authorization(permissions=[]), json=body)
    assert error(answer, 403, "FORBIDDEN")["required"] == operation.permission


@pytest.mark.parametrize(
    "path", [PLAYBOOKS, "/api/v1/playbook-runs", COMPLETE, SIGNAL, "/api/v1/analytics/playbook-runs"]
)
async def test_a_missing_organization_is_told_in_the_words_of_the_reference(
    client: httpx.AsyncClient, path: str
) -> None:
    answer = await client.post(path, json=example("create_without_organization"))
    assert (answer.status_code, answer.json()) == (400, example("organization_required"))


@pytest.mark.parametrize("value", [None, ""])
async def test_an_empty_organization_is_a_missing_one(client: httpx.AsyncClient, value: str | None) -> None:
    error(await client.post(COMPLETE, json={"organization_id": value}), 400, "ORGANIZATION_REQUIRED")


async def test_refuses_a_body_of_another_organization(client: httpx.AsyncClient) -> None:
    answer = await client.post(COMPLETE, json={**completion(), "organization_id": "org_other"})
    assert error(answer, 403, "ORGANIZATION_MISMATCH")["field"] == "organization_id"


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_refuses_a_header_of_another_organization(client: httpx.AsyncClient, method: str) -> None:
    answer = await client.request(method, PLAYBOOKS, headers={"X-Organization-ID": "org_other"})
    assert error(answer, 403, "ORGANIZATION_MISMATCH")["field"] == "X-Organization-ID"


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'"text"', b"null", b'{"a": NaN}', b"\xff", b'{"a": "\\ud800"}', b"[" * 5000]
)
async def test_refuses_what_is_no_json_object(client: httpx.AsyncClient, body: bytes) -> None:
    assert error(await client.post(COMPLETE, content=body), 400, "VALIDATION_ERROR")["field"] == "body"


async def test_refuses_what_no_document_can_hold_and_says_where(client: httpx.AsyncClient) -> None:
    deep: Any = 1
    for _ in range(60):
        deep = [deep]
    for value, path in ((2**63, "n"), (-(2**63) - 1, "n"), (2**64, "n"), (deep, "n[0][0]")):
        details = error(await client.post(COMPLETE, json=completion(n=value)), 400, "VALIDATION_ERROR")
        assert details["field"].startswith(f"completion.data.{path}")
    text = f'{{"organization_id": "{ORGANIZATION}", "completion": {{"data": {{"n": 1e999}}}}}}'
    details = error(await client.post(COMPLETE, content=text), 400, "VALIDATION_ERROR")
    assert details["field"] == "completion.data.n"
    details = error(await client.post(COMPLETE, json=completion(**{"a\0b": 1})), 400, "VALIDATION_ERROR")
    assert details["field"] == "completion.data"


async def test_says_all_that_is_wrong_with_a_playbook_by_the_paths_of_the_reference(client: httpx.AsyncClient) -> None:
    playbook = {"smart_code": 7, "steps": [{"sequence": "1"}, {"name": "B", "sequence": 0, "step_type": "dance"}]}
    answer = await client.post(PLAYBOOKS, json={"organization_id": ORGANIZATION, "playbook": playbook})
    details = error(answer, 400, "VALIDATION_ERROR")
    assert [problem["field"] for problem in details["errors"]] == [
        "playbook.name", "playbook.smart_code", "steps[0].name", "steps[0].sequence", "steps[1].step_type",
        "steps[1].sequence",
    ]  # fmt: skip
    assert details["field"] == "playbook.name"


@pytest.mark.parametrize(
    ("signal", "field"),
    [
        ({"type": "dance"}, "signal.type"),
        ({}, "signal.type"),
        ({"type": "pause", "pause_until": "tomorrow"}, "signal.pause_until"),
        ({"type": "pause", "pause_until": 1705740000}, "signal.pause_until"),
        ({"type": "pause", "pause_until": "2034-01-20T09:00:00"}, "signal.pause_until"),
        ({"type": "skip"}, "signal.reason"),
        ({"type": "reassign"}, "signal.assignee"),
        ({"type": "event", "name": " "}, "signal.name"),
    ],
)
async def test_refuses_a_signal_that_can_not_be_one(client: httpx.AsyncClient, signal: Any, field: str) -> None:
    answer = await client.post(SIGNAL, json={"organization_id": ORGANIZATION, "signal": signal})
    assert error(answer, 400, "VALIDATION_ERROR")["field"] == field


@pytest.mark.parametrize(
    ("asked", "field", "right"),
    [
        ({"filter": {"playbook_id": "pb_1", "statuss": "blocked"}}, "filter.statuss", "did you mean status?"),
        ({"filter": {"playbook_ids": ["pb_1"]}}, "filter.playbook_ids", "did you mean playbook_id?"),
        ({"filter": {"playbook_id": "pb_1"}, "run_ids": ["run_1"]}, "run_ids",
         "there are organization_id, action, filter, signal"),
    ],
)  # fmt: skip
async def test_signals_no_more_runs_than_are_meant(
    client: httpx.AsyncClient, asked: dict[str, Any], field: str, right: str
) -> None:
    body = {"organization_id": ORGANIZATION, "signal": {"type": "cancel"}, **asked}
    details = error(await client.post("/api/v1/playbook-runs/bulk-signal", json=body), 400, "VALIDATION_ERROR")
    assert (details["field"], details["reason"]) == (field, f"There is no such field; {right}")
    assert len(details["errors"]) == 1


async def test_tells_what_is_wrong_with_a_signal_beside_the_shape_of_its_body(client: httpx.AsyncClient) -> None:
    signal = {"type": "reassign", "pause_untill": "x", "step_id": 2, "escalate_to": ["cfo"]}
    fields = ["signal.pause_untill", "signal.assignee", "signal.escalate_to"]
    for path, missing in (("/api/v1/playbook-runs/bulk-signal", ["filter"]), (SIGNAL, [])):
        answer = await client.post(path, json={"organization_id": ORGANIZATION, "signal": signal})
        details = error(answer, 400, "VALIDATION_ERROR")
        assert [problem["field"] for problem in details["errors"]] == [*missing, "signal.step_id", *fields]


@pytest.mark.parametrize(
    ("completion", "field", "reason"),
    [
        (5, "completion", "Input should be an object"),
        ({"data": []}, "completion.data", "Input should be an object"),
        ({"attachments": 5}, "completion.attachments", "Input should be an array"),
    ],
)
async def test_says_what_is_wrong_in_words_of_json(
    client: httpx.AsyncClient, completion: Any, field: str, reason: str
) -> None:
    answer = await client.post(COMPLETE, json={"organization_id": ORGANIZATION, "completion": completion})
    details = error(answer, 400, "VALIDATION_ERROR")
    assert (details["field"], details["reason"]) == (field, reason)


async def test_tells_how_many_run_ids_there_should_be(client: httpx.AsyncClient) -> None:
    for run_ids, reason in (([], "It should hold 1 or more"), (["run_1"] * 1001, "It should hold 1000 at most")):
        body = {"organization_id": ORGANIZATION, "signal": {"type": "cancel"}, "filter": {"run_ids": run_ids}}
        details = error(await client.post("/api/v1/playbook-runs/bulk-signal", json=body), 400, "VALIDATION_ERROR")
        assert (details["field"], details["reason"]) == ("filter.run_ids", reason)


async def test_lists_the_signals_there_are(client: httpx.AsyncClient) -> None:
    answer = await client.post(SIGNAL, json={"organization_id": ORGANIZATION, "signal": {"type": "dance"}})
    reason = error(answer, 400, "VALIDATION_ERROR")["reason"]
    for known in ("pause", "resume", "cancel", "retry", "skip", "escalate", "reassign", "event"):
        assert known in reason


async def test_refuses_a_body_that_is_too_large_declared_or_not(client: httpx.AsyncClient) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield b" " * 1024

    async with gateway(max_body_bytes=32 * 1024) as small:
        error(await small.post(COMPLETE, content=b" " * 40_000), 413, "PAYLOAD_TOO_LARGE")
        error(await small.post(COMPLETE, content=chunks()), 413, "PAYLOAD_TOO_LARGE")


async def test_an_unknown_path_or_method_is_not_found(client: httpx.AsyncClient) -> None:
    error(await client.get("/api/v1/nothing"), 404, "NOT_FOUND")
    error(await client.get(f"{PLAYBOOKS}/"), 404, "NOT_FOUND")
    for method in ("DELETE", "OPTIONS", "TRACE"):
        answer = await client.request(method, PLAYBOOKS)
        assert error(answer, 404, "NOT_FOUND")["allowed_methods"] == ["GET", "HEAD", "POST"]
        assert answer.headers["Allow"] == "GET, HEAD, POST"
    assert (await client.put("/api/v1/playbook-runs/bulk-signal")).headers["Allow"] == "POST"


async def test_answers_head_where_it_answers_get(client: httpx.AsyncClient) -> None:
    for path in (PLAYBOOKS, "/api/v1/playbook-runs/run_1"):
        asked, read = await client.head(path), await client.get(path)
        assert asked.status_code == read.status_code == 503  # its owner is not there, but somebody was asked
        assert asked.headers["Content-Type"] == read.headers["Content-Type"]


@pytest.mark.parametrize(
    ("query", "field", "reason"),
    [
        ("statuss=active", "statuss", "did you mean status?"),
        ("foo=1", "foo", "there are: assignee, created_from"),
        ("limit=1&limit=2", "limit", "more than once"),
        ("status=active&status=failed", "status", "more than once"),
    ],
)
async def test_refuses_query_parameters_that_would_be_passed_over(
    client: httpx.AsyncClient, query: str, field: str, reason: str
) -> None:
    details = error(await client.get(f"/api/v1/playbook-runs?{query}"), 400, "VALIDATION_ERROR")
    assert details["field"] == field
    assert reason in details["reason"]


async def test_says_of_all_query_parameters_at_once_what_is_wrong(client: httpx.AsyncClient) -> None:
    answer = await client.post(f"{COMPLETE}?one=1&two=2&one=3", json=completion())
    details = error(answer, 400, "VALIDATION_ERROR")
    assert [problem["field"] for problem in details["errors"]] == ["one", "two"]


async def test_refuses_a_query_of_another_organization(client: httpx.AsyncClient) -> None:
    for answer in (
        await client.get(f"{PLAYBOOKS}?organization_id=org_other"),
        await client.post(f"{COMPLETE}?organization_id=org_other", json=completion()),
    ):
        assert error(answer, 403, "ORGANIZATION_MISMATCH")["field"] == "organization_id"


async def test_refuses_a_flag_that_is_neither(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/v1/playbook-runs/run_1/timeline?include_system_events=yes")
    details = error(answer, 400, "VALIDATION_ERROR")
    assert details["errors"] == [{"field": "include_system_events", "value": "yes", "reason": details["reason"]}]


@pytest.mark.parametrize(
    ("headers", "field"),
    [
        ({"Content-Type": "text/plain"}, "Content-Type"),
        ({"Content-Type": "application/x-www-form-urlencoded"}, "Content-Type"),
        ({"Content-Type": "application/json; charset=utf-16"}, "Content-Type"),
        ({"Content-Encoding": "gzip"}, "Content-Encoding"),
    ],
)
async def test_refuses_a_body_that_is_sent_as_something_else(
    client: httpx.AsyncClient, headers: dict[str, str], field: str
) -> None:
    assert error(await client.post(COMPLETE, json=completion(), headers=headers), 400, "VALIDATION_ERROR")["field"] == (
        field
    )


@pytest.mark.parametrize(
    "content_type", ["application/json", "Application/JSON; Charset=UTF-8", "application/merge-patch+json", None]
)
async def test_takes_json_by_any_of_its_names(client: httpx.AsyncClient, content_type: str | None) -> None:
    headers = {"Content-Type": content_type} if content_type else {}
    content = b"\xef\xbb\xbf" + json.dumps(completion()).encode()
    error(await client.post(COMPLETE, content=content, headers=headers), 503, "UNAVAILABLE")


async def test_refuses_names_that_stand_twice_and_says_where(client: httpx.AsyncClient) -> None:
    text = (
        f'{{"organization_id": "org_other", "organization_id" : "{ORGANIZATION}", "completion": {{"data":'
        ' {"rows": [{"a": 1, "b": {"c": 1, "c": 2}}, {"x": 1, "x": 2, "x": 3}], "note": "a \\": 1"}}}'
    )
    details = error(await client.post(COMPLETE, content=text), 400, "VALIDATION_ERROR")
    assert [problem["field"] for problem in details["errors"]] == [
        "organization_id", "completion.data.rows[0].b.c", "completion.data.rows[1].x",
    ]  # fmt: skip


async def test_text_that_looks_like_names_is_no_name(client: httpx.AsyncClient) -> None:
    answer = await client.post(COMPLETE, json=completion(note='{"a": 1, "a": 2}', other='"a":'))
    error(answer, 503, "UNAVAILABLE")


@pytest.mark.parametrize("run_id", ["..", "%2e%2e", "a%00b", "x" * 101, "run 1"])
async def test_what_can_be_no_id_is_not_found(client: httpx.AsyncClient, run_id: str) -> None:
    error(await client.get(f"/api/v1/playbook-runs/{run_id}/timeline"), 404, "NOT_FOUND")


async def test_says_to_try_again_when_kafka_is_not_there(client: httpx.AsyncClient) -> None:
    answer = await client.post(COMPLETE, json=completion())
    error(answer, 503, "UNAVAILABLE")
    assert answer.headers["Retry-After"] == "1"


async def test_says_to_try_again_when_the_owner_of_an_answer_is_not_there(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/v1/playbook-runs/run_1/timeline")
    error(answer, 503, "UNAVAILABLE")
    assert answer.headers["Retry-After"] == "1"


@pytest.mark.parametrize("kind", get_args(Kind))
async def test_the_owner_of_every_kind_of_operation_is_asked(client: httpx.AsyncClient, kind: Kind) -> None:
    operation_id = OperationId(kind, "any_1", "cmd_1").text(ORGANIZATION)
    answer = await client.get(f"/api/v1/operations/{operation_id}", headers=authorization(permissions=["*"]))
    error(answer, 503, "UNAVAILABLE")


async def test_refuses_an_idempotency_key_that_can_not_be_one(client: httpx.AsyncClient) -> None:
    for key in ("x" * 201, "", "a\tb"):
        answer = await client.post(COMPLETE, json=completion(), headers={"Idempotency-Key": key})
        assert error(answer, 400, "VALIDATION_ERROR")["field"] == "Idempotency-Key"


async def test_every_answer_carries_the_request_id(client: httpx.AsyncClient) -> None:
    for path in (PLAYBOOKS, "/api/v1/nothing"):
        answer = await client.get(path, headers={"X-Request-ID": "req_mine"})
        assert answer.headers["X-Request-ID"] == "req_mine"


@pytest.mark.parametrize("sent", ["", "two words", "x" * 129])
async def test_makes_a_request_id_where_none_that_can_be_one_came(client: httpx.AsyncClient, sent: str) -> None:
    answer = await client.get(PLAYBOOKS, headers={"X-Request-ID": sent})
    assert answer.headers["X-Request-ID"].startswith("req_")


async def test_a_run_with_a_bad_smart_code_is_refused(client: httpx.AsyncClient) -> None:
    body = example("start_run")
    body["run"]["smart_code"] = "HERA.CRM.RUN"
    details = error(await client.post("/api/v1/playbook-runs", json=body), 400, "SMART_CODE_INVALID")
    assert details["field"] == "run.smart_code"


async def test_a_field_that_is_misspelt_is_not_passed_over(client: httpx.AsyncClient) -> None:
    misspelt = {"outcom": "failure", "attachment": []}
    beside = {"acton": "complete", "completion_": "beside the one that is meant"}
    body = {"organization_id": ORGANIZATION, "completion": {**misspelt, "data": 3}, **beside}
    found = error(await client.post(COMPLETE, json=body), 400, "VALIDATION_ERROR")["errors"]
    told = {problem["field"]: problem["reason"] for problem in found}
    assert told.keys() == {"completion.outcom", "completion.attachment", "acton", "completion.data"}
    assert told["completion.outcom"] == "There is no such field; did you mean outcome?"


@pytest.mark.parametrize(
    ("path", "name"), [(COMPLETE, "completion"), ("/api/v1/playbook-runs", "run")], ids=["completion", "run"]
)
async def test_a_field_that_would_be_lost_is_refused_with_those_that_there_are(
    client: httpx.AsyncClient, path: str, name: str
) -> None:
    body = {"organization_id": ORGANIZATION, name: {"playbook_id": "pb_1", "comment": "signed"}, "comment": "beside"}
    if name == "completion":
        del body[name]["playbook_id"]  # type: ignore[attr-defined]
    details = error(await client.post(path, json=body), 400, "VALIDATION_ERROR")
    [problem] = details["errors"]
    assert (problem["field"], problem["value"]) == (f"{name}.comment", "signed")
    assert problem["reason"].startswith("There is no such field; there are ") and "data" in problem["reason"]
