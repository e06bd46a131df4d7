"""Refused calls are counted without a look-up, and no count is lost while the engine is away."""

from typing import Any

import httpx
import orjson
import pytest
from starlette.types import Receive, Scope, Send

from contracts.rejections import Code, Rejection
from contracts.values import Caller
from services.gateway import access_log
from services.gateway.access_log import AccessLog, RefusedCalls, note_caller
from services.gateway.edge import Edge
from services.gateway.identity import token_verifier
from services.gateway.limiting import Limiting
from services.gateway.owners import Answer, Owner, Params
from services.gateway.rate_limits import Standing
from shared.auth import Identity
from shared.errors import Unavailable
from shared.http import failure
from shared.service_token import ServiceToken
from tests.unit.gateway.client import authorization, settings


class Engine(Owner):
    """Keeps what it is sent, or is away."""

    def __init__(self) -> None:
        super().__init__("run_engine", "http://127.0.0.1:1", 1, ServiceToken(settings().service_token))
        self.stored: dict[str, dict[str, Any]] = {}
        self.is_away = self.loses_answers = False

    async def post(self, path: str, params: Params, body: bytes) -> Answer:
        if self.is_away:
            raise Unavailable("run_engine does not answer")
        assert path == "/internal/access-log"
        self.stored |= {record["access_id"]: record for record in orjson.loads(body)}
        if self.loses_answers:
            raise Unavailable("run_engine does not answer")
        return Answer(200, b'{"success":true,"data":{}}')

    @property
    def count(self) -> int:
        return sum(record["count"] for record in self.stored.values())


def scope(path: str = "/api/v1/playbook-runs/run_1", user: str = "ann", organization_id: str = "org_1") -> Scope:
    made: Scope = {"type": "http", "path": path}
    note_caller(made, Identity(Caller(id=user), organization_id, 0))
    return made


async def test_calls_of_one_kind_are_one_record_with_their_count() -> None:
    engine = Engine()
    log = AccessLog(engine)
    for _ in range(3):
        log.count(scope(), 403)
    log.count(scope(user="bob"), 403)
    log.count(scope(), 404)
    await log.flush()
    counts = sorted((r["user"], r["status"], r["count"]) for r in engine.stored.values())
    assert counts == [("ann", 403, 3), ("ann", 404, 1), ("bob", 403, 1)]
    assert {r["run_id"] for r in engine.stored.values()} == {"run_1"}
    await log.flush()
    assert len(engine.stored) == 3


@pytest.mark.parametrize("fault", ["is_away", "loses_answers"])
async def test_no_count_is_lost_or_doubled_while_the_engine_is_away(fault: str) -> None:
    engine = Engine()
    log = AccessLog(engine)
    log.count(scope(), 403)
    setattr(engine, fault, True)
    await log.flush()
    log.count(scope(), 403)
    await log.flush()
    setattr(engine, fault, False)
    await log.flush()
    await log.flush()
    assert engine.count == 2


async def test_guessed_ids_are_counted_without_being_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access_log, "DETAILED_A_MINUTE", 10)
    engine = Engine()
    log = AccessLog(engine)
    for number in range(1000):
        log.count(scope(f"/api/v1/playbook-runs/run_{number}"), 404)
    await log.flush()
    assert len(engine.stored) <= 21  # a minute may begin meanwhile
    assert engine.count == 1000
    assert {r["organization_id"] for r in engine.stored.values()} == {"org_1"}


class _NothingLeft:
    async def take(self, _: str) -> Standing:
        return Standing(1, 0, 0.0, allowed=False)


async def _missing(scope: Scope, receive: Receive, send: Send) -> None:
    await failure(Rejection(code=Code.UNAUTHORIZED, message="No token"))(scope, receive, send)


async def test_a_call_over_the_limit_is_counted_for_its_caller_and_one_without_a_token_for_nobody() -> None:
    engine = Engine()
    log = AccessLog(engine)
    limits: Any = _NothingLeft()
    app = Edge(RefusedCalls(Limiting(_missing, token_verifier(settings(), None), limits), log))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://gateway") as client:
        limited = await client.get("/api/v1/playbook-runs/run_7", headers=authorization(subject="ann"))
        unknown = await client.get("/api/v1/tasks", headers={"X-Request-ID": "req_9"})
        await client.get("/favicon.ico")
    assert (limited.status_code, unknown.status_code) == (429, 401)
    await log.flush()
    told = {r["status"]: (r["user"], r["run_id"]) for r in engine.stored.values()}
    assert told == {429: ("ann", "run_7"), 401: (None, None)}
    assert {r["correlation_id"] for r in engine.stored.values() if r["status"] == 401} == {"req_9"}
