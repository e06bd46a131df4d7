"""What the owner of an answer says is passed on as it is; a silent owner is a reason to try again."""

import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from aiohttp import web

from contracts.rejections import Code
from services.gateway.owners import Owner
from services.gateway.pinned import PinnedDefinitions
from services.gateway.shapes.examples import example
from shared.correlation import Correlation, set_correlation
from shared.errors import Refused, Unavailable
from tests.infrastructure import SERVICE_TOKEN, TOKEN

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
UNKNOWN = {"success": False, "error": {"code": "NOT_FOUND", "message": "Run run_1 was not found", "details": {"a": 1}}}


@contextlib.asynccontextmanager
async def owner(handler: Handler, port: int = 0, timeout: float = 5.0) -> AsyncIterator[tuple[Owner, int]]:
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    port = runner.addresses[0][1]
    asked = Owner("run_engine", f"http://127.0.0.1:{port}", timeout, TOKEN)
    try:
        yield asked, port
    finally:
        await asked.close()
        await runner.cleanup()


async def test_passes_the_answer_on_with_its_status_and_consistency() -> None:
    async def behind(request: web.Request) -> web.Response:
        assert dict(request.query) == {"organization_id": "org & co"}
        return web.json_response(UNKNOWN, status=404, headers={"X-Consistency": "behind"}, dumps=_dense)

    async with owner(behind) as (asked, _):
        answer = await asked.get("/internal/runs/run_1", [("organization_id", "org & co")])
    response = answer.response()
    assert response.status_code == 404
    assert response.headers["X-Consistency"] == "behind"
    with pytest.raises(Refused, match="Run run_1 was not found") as refused:
        answer.data()
    assert refused.value.rejection.code == Code.NOT_FOUND
    assert refused.value.rejection.details == {"a": 1}


async def test_tells_the_owner_which_request_it_is_for() -> None:
    seen = []

    async def listen(request: web.Request) -> web.Response:
        seen.append((request.headers["X-Request-ID"], request.headers["traceparent"], await request.read()))
        return web.json_response({"success": True, "data": {}}, dumps=_dense)

    trace = f"00-{'1' * 32}-{'2' * 16}-01"
    set_correlation(Correlation("req_1", trace))
    async with owner(listen) as (asked, _):
        await asked.post("/internal/analytics/playbook-runs", [], b'{"a":1}')
    assert seen == [("req_1", trace, b'{"a":1}')]


async def test_a_connection_that_broke_while_it_was_kept_is_replaced() -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.json_response({"success": True, "data": {}}, dumps=_dense)

    async with owner(answer) as (_, port):
        asked = Owner("run_engine", f"http://127.0.0.1:{port}", 5, TOKEN)
        assert (await asked.get("/a", [])).status == 200
    async with owner(answer, port):
        assert (await asked.get("/a", [])).status == 200
    await asked.close()


async def test_says_so_when_the_owner_is_silent_or_makes_no_sense() -> None:
    async def nonsense(_: web.Request) -> web.Response:
        return web.Response(text="Bad gateway", status=502)

    async with owner(nonsense) as (asked, _):
        with pytest.raises(Unavailable, match="run_engine gave no answer"):
            await asked.get("/a", [])
    with pytest.raises(Unavailable, match="run_engine does not answer"):
        await Owner("run_engine", "http://127.0.0.1:1", 5, TOKEN).get("/a", [])


async def test_shows_the_services_token_and_does_not_tell_callers_that_theirs_is_wrong_where_it_is_not_taken() -> None:
    seen = []

    async def stranger(request: web.Request) -> web.Response:
        seen.append(request.headers["Authorization"])
        return web.json_response({"success": False, "error": {"code": "UNAUTHORIZED"}}, status=401, dumps=_dense)

    async with owner(stranger) as (asked, _):
        with pytest.raises(Unavailable, match="run_engine does not take this gateway's SERVICE_TOKEN"):
            await asked.get("/a", [])
    assert seen == [f"Bearer {SERVICE_TOKEN}"]


class Registry:
    """Answers as the registry does, over HTTP, and counts what it is asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.head = {"revision": 1, "status": "active"}

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append(request.path.rsplit("/", 2)[-1] if request.path.endswith("head") else "revision")
        data = self.head if request.path.endswith("head") else _definition(int(request.path.rsplit("/", 1)[1]))
        return web.json_response({"success": True, "data": data}, dumps=_dense)


async def test_asks_for_the_head_each_time_and_for_a_revision_once() -> None:
    registry = Registry()
    async with owner(registry.answer) as (asked, _):
        pinned = PinnedDefinitions(asked)
        assert (await pinned.current("org_1", "pb_1")).definition.revision == 1
        assert (await pinned.current("org_1", "pb_1")).definition.revision == 1
        registry.head = {"revision": 2, "status": "active"}
        assert (await pinned.current("org_1", "pb_1")).definition.revision == 2
    assert registry.asked == ["head", "revision", "head", "head", "revision"]


async def test_an_archived_playbook_starts_no_runs() -> None:
    registry = Registry()
    registry.head = {"revision": 1, "status": "archived"}
    async with owner(registry.answer) as (asked, _):
        with pytest.raises(Refused) as refused:
            (await PinnedDefinitions(asked).current("org_1", "pb_1")).require_active()
    assert refused.value.rejection.code == Code.CONFLICT


def _definition(revision: int) -> dict[str, object]:
    steps = [{"step_id": "step_001", "name": "A", "sequence": 1}]
    created = example("playbook_created")["data"]
    names = ("playbook_id", "organization_id", "smart_code", "created_at", "created_by")
    return {"revision": revision, "name": "A", "steps": steps, **{name: created[name] for name in names}}


def _dense(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))
