"""The client: whatever comes between, a wish is one wish, and its outcome is what the caller gets."""

import asyncio
import base64
import json
import re
import shutil
import subprocess
import sys
import time
import zipfile
from collections import deque
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

import deploy.client
from deploy.client import (
    ApiError,
    Behind,
    Call,
    Client,
    Conflict,
    Forbidden,
    Invalid,
    NoOutcome,
    NotFound,
    NotTheApi,
    TokenSource,
    Unauthorized,
    Unavailable,
)
from services.gateway.routes.operations import OPERATIONS

Answers = deque[httpx.Response | Exception]
PATIENCE = 30.0


class Bench:
    """A client, the answers that it will get, what it sent, and how long it would have waited."""

    def __init__(
        self,
        *answers: httpx.Response | Exception,
        patience_seconds: float = PATIENCE,
        token: str | TokenSource = "token",
    ) -> None:
        self.answers = deque(answers)
        self.sent: list[httpx.Request] = []
        self.calls: list[Call] = []
        self.pauses: list[float] = []
        http = httpx.AsyncClient(transport=httpx.MockTransport(self._answer), base_url="http://gateway")
        self.client = Client(
            http, token, "org_1", self.calls.append, patience_seconds=patience_seconds, sleep=self._sleep
        )

    @property
    def keys(self) -> set[str]:
        return {request.headers["Idempotency-Key"] for request in self.sent}

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.sent.append(request)
        answer = self.answers.popleft()
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def _sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)


def data(content: Any, status: int = 200, **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.Response(status, json={"success": True, "data": content}, headers=named)


def refusal(status: int, code: str, **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    error = {"code": code, "message": "No", "details": {"field": "any"}}
    return httpx.Response(status, json={"success": False, "error": error}, headers=named)


STARTED: Any = {"run_id": "run_1"}
TRANSIENT = [
    refusal(503, "UNAVAILABLE", Retry_After="1"),
    refusal(429, "RATE_LIMITED", Retry_After="7"),
    refusal(409, "IDEMPOTENCY_CONFLICT", Retry_After="1"),
    httpx.Response(502, text="<html>a proxy's</html>"),
    httpx.ConnectError("refused"),
    httpx.ReadTimeout("nothing came"),
]


@pytest.mark.parametrize("transient", TRANSIENT, ids=repr)
async def test_a_command_is_sent_again_under_its_one_key(transient: httpx.Response | Exception) -> None:
    bench = Bench(transient, transient, data(STARTED, 201))
    assert await bench.client.start_run({"playbook_id": "pb_1"}) == STARTED
    assert (len(bench.sent), len(bench.keys)) == (3, 1)
    asked = float(transient.headers.get("Retry-After", "0")) if isinstance(transient, httpx.Response) else 0.0
    assert all(pause >= asked for pause in bench.pauses)


async def test_two_wishes_are_two_and_a_key_that_is_given_is_the_key() -> None:
    bench = Bench(*[data(STARTED, 201) for _ in range(3)])
    await bench.client.start_run({"playbook_id": "pb_1"})
    await bench.client.start_run({"playbook_id": "pb_1"})
    await bench.client.start_run({"playbook_id": "pb_1"}, key="mine")
    assert len(bench.keys) == 3
    assert "mine" in bench.keys


async def test_gives_up_when_its_patience_is_at_its_end() -> None:
    bench = Bench(*[refusal(503, "UNAVAILABLE", Retry_After="60")], patience_seconds=10)
    with pytest.raises(Unavailable):
        await bench.client.start_run({"playbook_id": "pb_1"})
    nobody = Bench(httpx.ConnectError("refused"), patience_seconds=0)
    with pytest.raises(Unavailable):
        await nobody.client.run("run_1")


async def test_follows_what_was_only_accepted_to_its_outcome() -> None:
    accepted = data({"operation": "accepted", "operation_id": "op_1"}, 202)
    running, done = {"status": "running"}, {"status": "succeeded", "result": STARTED}
    bench = Bench(accepted, data(running), data(done))
    assert await bench.client.start_run({"playbook_id": "pb_1"}) == STARTED
    assert [request.url.path for request in bench.sent[1:]] == ["/api/v1/operations/op_1"] * 2


async def test_raises_what_an_accepted_command_was_refused_with() -> None:
    accepted = data({"operation": "accepted", "operation_id": "op_1"}, 202)
    error = {"code": "NOT_FOUND", "message": "No", "details": {}}
    bench = Bench(accepted, data({"status": "failed", "error": error}))
    with pytest.raises(NotFound):
        await bench.client.signal("run_1", "pause")


async def test_says_where_an_outcome_will_be_that_did_not_come() -> None:
    accepted = {"operation": "accepted", "operation_id": "op_1"}
    bench = Bench(data(accepted, 202), data({"status": "running"}), patience_seconds=0)
    with pytest.raises(NoOutcome) as raised:
        await bench.client.signal("run_1", "pause")
    assert raised.value.details == accepted


async def test_does_not_wait_for_an_operation_that_is_to_be_watched() -> None:
    bench = Bench(data({"operation": "accepted", "operation_id": "op_1"}, 202))
    accepted = await bench.client.signal_runs({"status": "active"}, {"type": "pause"})
    assert accepted["operation_id"] == "op_1"


async def test_asks_again_where_a_read_is_behind_and_says_so_in_the_end() -> None:
    bench = Bench(data({"a": 1}, X_Consistency="behind"), data({"a": 2}))
    seen: Any = await bench.client.timeline("run_1")
    assert seen == {"a": 2}
    assert [call.behind for call in bench.calls] == [True, False]
    late = Bench(data({"a": 1}, X_Consistency="behind"), patience_seconds=0)
    with pytest.raises(Behind) as raised:
        await late.client.timeline("run_1")
    assert raised.value.details == {"a": 1}


async def test_follows_a_list_page_by_page() -> None:
    bench = Bench(
        data({"runs": [{"run_id": "run_1"}, {"run_id": "run_2"}], "next": "c1"}),
        data({"runs": [{"run_id": "run_3"}], "next": None}),
    )
    assert [run["run_id"] async for run in bench.client.each_run(status="active")] == ["run_1", "run_2", "run_3"]
    assert [dict(request.url.params) for request in bench.sent] == [
        {"limit": "100", "status": "active"},
        {"limit": "100", "status": "active", "cursor": "c1"},
    ]


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, "SMART_CODE_INVALID", Invalid),
        (413, "PAYLOAD_TOO_LARGE", Invalid),
        (401, "UNAUTHORIZED", Unauthorized),
        (403, "ORGANIZATION_MISMATCH", Forbidden),
        (404, "NOT_FOUND", NotFound),
        (409, "INVALID_STATE", Conflict),
        (409, "IDEMPOTENCY_CONFLICT", Conflict),
        (500, "INTERNAL_ERROR", ApiError),
    ],
)
async def test_raises_a_refusal_by_its_kind_at_once(status: int, code: str, kind: type[ApiError]) -> None:
    bench = Bench(refusal(status, code, X_Request_ID="req_1"))
    with pytest.raises(ApiError) as raised:
        await bench.client.update_run("run_1", {"a": 1})
    error = raised.value
    assert (type(error), error.status, error.code, error.details) == (kind, status, code, {"field": "any"})
    assert error.request_id == "req_1"


@pytest.mark.parametrize("text", ["<html>", '"text"', "[]", '{"success": false}', '{"data": 1}'])
async def test_tells_another_server_s_answer_from_the_api_s(text: str) -> None:
    with pytest.raises(NotTheApi):
        await Bench(httpx.Response(404, text=text)).client.run("run_1")


async def test_ids_stay_what_they_are() -> None:
    bench = Bench(data({}))
    await bench.client.step("run/1", "../x?y")
    assert bench.sent[0].url.raw_path == b"/api/v1/playbook-runs/run%2F1/steps/..%2Fx%3Fy"


def jwt(expires_in: float) -> str:
    """A token that says when it expires; nobody verifies it here."""
    claims = base64.urlsafe_b64encode(json.dumps({"exp": time.time() + expires_in}).encode()).decode().rstrip("=")
    return f"e30.{claims}.sig"


class Source:
    """Gives the tokens in turn, and the last one again and again."""

    def __init__(self, *tokens: str) -> None:
        self.tokens = deque(tokens)
        self.calls = 0

    def at_once(self) -> str:
        self.calls += 1
        return self.tokens.popleft() if len(self.tokens) > 1 else self.tokens[0]

    async def later(self) -> str:
        await asyncio.sleep(0)
        return self.at_once()


def tokens_of(bench: Bench) -> list[str]:
    return [request.headers["Authorization"].removeprefix("Bearer ") for request in bench.sent]


@pytest.mark.parametrize("kind", ["at_once", "later"])
async def test_a_source_is_asked_once_while_its_token_is_good(kind: str) -> None:
    source = Source(jwt(3600))
    bench = Bench(*[data({}) for _ in range(9)], token=getattr(source, kind))
    await asyncio.gather(*(bench.client.run("run_1") for _ in range(9)))
    assert (source.calls, len(set(tokens_of(bench)))) == (1, 1)


@pytest.mark.parametrize("kind", ["at_once", "later"])
async def test_a_token_that_is_about_to_expire_is_renewed(kind: str) -> None:
    source = Source(jwt(0), jwt(3600))
    bench = Bench(data({}), data({}), token=getattr(source, kind))
    await bench.client.run("run_1")
    await bench.client.run("run_1")
    assert (source.calls, len(set(tokens_of(bench)))) == (2, 2)


async def test_a_token_of_a_short_life_serves_for_most_of_it() -> None:
    source = Source(jwt(20), "never")
    bench = Bench(data({}), data({}), token=source.at_once)
    await bench.client.run("run_1")
    await bench.client.run("run_1")
    assert source.calls == 1


async def test_a_command_whose_token_was_refused_is_sent_again_with_another_under_its_key() -> None:
    source = Source("old", "new")
    bench = Bench(refusal(401, "UNAUTHORIZED"), data(STARTED, 201), token=source.later)
    assert await bench.client.start_run({"playbook_id": "pb_1"}) == STARTED
    assert (tokens_of(bench), len(bench.keys)) == (["old", "new"], 1)


async def test_many_whose_token_was_refused_renew_it_once() -> None:
    source = Source("old", "new")
    bench = Bench(*[refusal(401, "UNAUTHORIZED")] * 5, *[data({}) for _ in range(5)], token=source.later)
    await asyncio.gather(*(bench.client.run("run_1") for _ in range(5)))
    assert (source.calls, tokens_of(bench)) == (2, ["old"] * 5 + ["new"] * 5)


async def test_a_renewed_token_that_is_refused_too_is_an_error_and_so_is_one_without_a_source() -> None:
    for token, sent in ((Source("old", "new").at_once, 2), ("given", 1)):
        bench = Bench(*[refusal(401, "UNAUTHORIZED")] * 2, token=token)
        with pytest.raises(Unauthorized):
            await bench.client.run("run_1")
        assert len(bench.sent) == sent


async def test_what_a_source_raises_is_raised_and_the_next_call_asks_again() -> None:
    answers = deque([KeyError("no token today"), "new"])

    async def source() -> str:
        answer = answers.popleft()
        if isinstance(answer, Exception):
            raise answer
        return str(answer)

    bench = Bench(data({}), token=source)
    with pytest.raises(KeyError, match="no token today"):
        await bench.client.run("run_1")
    await bench.client.run("run_1")
    assert tokens_of(bench) == ["new"]


def asked(client: Client) -> list[Callable[[], Awaitable[Any]]]:
    """Each method once."""

    async def first(items: Any) -> None:
        async for _ in items:
            return

    c, selection, signal = client, {"status": "active"}, {"type": "pause"}
    return [
        lambda: c.create_playbook({}), lambda: c.check_playbook({}), lambda: c.playbook("p"), lambda: c.playbooks(),
        lambda: c.revision("p", 1), lambda: first(c.each_playbook()), lambda: c.revise_playbook("p", {}),
        lambda: c.archive_playbook("p"), lambda: c.restore_playbook("p"), lambda: c.delete_playbook("p"),
        lambda: c.metrics("p"), lambda: c.start_run({}), lambda: c.run("r"), lambda: c.runs(),
        lambda: first(c.each_run()), lambda: c.update_run("r"), lambda: c.why("r"), lambda: c.timeline("r"),
        lambda: c.verify_timeline("r"), lambda: c.evidence("r"), lambda: c.signal("r", "pause"),
        lambda: c.step("r", "s"), lambda: c.complete_step("r", "s"), lambda: c.claim_step("r", "s"),
        lambda: c.release_step("r", "s"), lambda: c.tasks(), lambda: first(c.each_task()), lambda: c.task_counts(),
        lambda: c.signal_runs(selection, signal), lambda: c.matching_runs(selection, signal),
        lambda: c.operation("o"), lambda: first(c.each_result("o")), lambda: c.analytics(), lambda: c.policies(),
        lambda: c.policy("p"), lambda: c.put_policy("p", {}), lambda: first(c.each_revision_of_policy("p")),
        lambda: c.try_policy("p", {}, runs_cursor="c"), lambda: c.erase_run_data("r"),
        lambda: first(c.each_access("r")), lambda: first(c.each_access_of_organization()),
        lambda: c.secrets(), lambda: c.put_secret("p", "v"), lambda: c.delete_secret("p"),
        lambda: c.erase_organization_data(), lambda: c.rotate_key(),
        lambda: c.calendars(), lambda: c.calendar("p"), lambda: c.put_calendar("p", {}),
        lambda: c.delete_calendar("p"), lambda: first(c.each_revision_of_calendar("p")), lambda: c.delegate({}),
        lambda: c.delegation("p"), lambda: first(c.each_delegation()), lambda: c.revoke_delegation("p"),
        lambda: c.create_webhook({}), lambda: c.webhook("p"), lambda: first(c.each_webhook()),
        lambda: c.change_webhook("p", {}), lambda: c.delete_webhook("p"), lambda: c.enable_webhook("p"),
        lambda: c.rotate_secret("p", 60), lambda: c.test_webhook("p"), lambda: first(c.each_delivery("p")),
        lambda: c.replay_delivery("p", "s"), lambda: c.replay_failed("p", "2024-01-15T11:00:00Z"),
    ]  # fmt: skip


EMPTY: Any = {
    "playbooks": [],
    "runs": [],
    "tasks": [],
    "results": [],
    "revisions": [],
    "delegations": [],
    "webhooks": [],
    "deliveries": [],
    "access_log": [],
    "next": None,
}


async def test_it_asks_for_everything_that_is_in_the_documentation_and_for_nothing_else() -> None:
    documented = {
        (operation.method, re.sub(r"{\w+}", "x", operation.path)): operation.query_names() for operation in OPERATIONS
    }
    bench, seen = Bench(), set()
    for ask in asked(bench.client):
        bench.answers.append(data(EMPTY))
        await ask()
        request = bench.sent[-1]
        path = re.sub(r"/(?:[prso]|1)(?=/|$)", "/x", request.url.path)
        seen.add((request.method, path))
        assert (request.method, path) in documented
        assert set(request.url.params) <= documented[request.method, path]
    assert seen == documented.keys()


def test_to_install_it_leaves_nothing_behind(tmp_path: Path) -> None:
    source, built = tmp_path / "client", tmp_path / "built"
    shutil.copytree(Path(deploy.client.__file__).parent, source, ignore=shutil.ignore_patterns("__pycache__"))
    before = set(source.rglob("*"))
    options = ["--no-build-isolation", "--no-deps", "--quiet", "--disable-pip-version-check", "--wheel-dir", str(built)]
    command = [sys.executable, "-m", "pip", "wheel", *options, str(source)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert set(source.rglob("*")) == before
    (wheel,) = built.iterdir()
    packed = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    modules = {path.name for path in source.glob("*.py")} | {"py.typed"}
    assert packed == {f"hera_playbooks_client/{name}" for name in modules}


def test_needs_nothing_of_the_rest_of_the_checkout(tmp_path: Path) -> None:
    source = Path(deploy.client.__file__).parent
    shutil.copytree(source, tmp_path / "copied_client", ignore=shutil.ignore_patterns("__pycache__"))
    script = "import sys, copied_client; assert 'deploy' not in sys.modules; print(copied_client.Client.__name__)"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "Client"
