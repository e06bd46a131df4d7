"""A thin client of the public API, for the demo and for tests."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import httpx

Data = dict[str, Any]
"""The `data` of an answer, in the shape that the API's reference gives."""


ACCEPTED = 202
TRIES = 3


class ApiError(Exception):
    """The API said no; `code`, `message` and `details` are those of its error."""

    def __init__(self, status: int, code: str, message: str, details: Data) -> None:
        super().__init__(f"{status} {code}: {message} {details}")
        self.status = status
        self.code = code
        self.message = message
        self.details = details


@dataclass(frozen=True, slots=True)
class Call:
    """One request as it went: its route with ids left open, the answer's status and the time that it took."""

    route: str
    status: int
    seconds: float
    behind: bool
    """The answer says that it does not show all that was written (`X-Consistency: behind`)."""


class Client:
    """One caller, with one token, of one organisation. `http` holds the gateway's address and may be shared.

    Each command carries an idempotency key: `key`, or one of its own. Where no reply came in time (202) it is sent
    again and gets its first answer. Every method raises ApiError where the API says no.
    """

    def __init__(
        self,
        http: httpx.AsyncClient,
        token: str,
        organization_id: str,
        watch: Callable[[Call], None] | None = None,
    ) -> None:
        self.organization_id = organization_id
        self._http = http
        self._headers = {"Authorization": f"Bearer {token}", "X-Organization-ID": organization_id}
        self._watch = watch

    async def create_playbook(self, playbook: Mapping[str, Any], key: str | None = None) -> Data:
        return await self._post("/playbooks", {"action": "create", "playbook": playbook}, key=key)

    async def playbook(self, playbook_id: str) -> Data:
        return await self._get("/playbooks/{}", playbook_id)

    async def playbooks(self, **query: Any) -> Data:
        """`playbooks`, `next`, `total`; takes `status`, `limit`, `cursor`."""
        return await self._get("/playbooks", **query)

    async def metrics(self, playbook_id: str, period: str = "30d") -> Data:
        return await self._get("/playbooks/{}/metrics", playbook_id, period=period)

    async def start_run(self, run: Mapping[str, Any], key: str | None = None) -> Data:
        """`run` holds `playbook_id` and what else the reference shows."""
        return await self._post("/playbook-runs", {"action": "create", "run": run}, key=key)

    async def run(self, run_id: str) -> Data:
        return await self._get("/playbook-runs/{}", run_id)

    async def runs(self, **query: Any) -> Data:
        """`runs`, `next`, `total`; takes `status`, `playbook_id`, `limit`, `cursor`."""
        return await self._get("/playbook-runs", **query)

    async def tasks(self, **query: Any) -> Data:
        """Open steps that wait for this caller: `tasks`, `next`, `total_runs`; takes `limit`, `cursor`."""
        return await self._get("/tasks", **query)

    async def complete_step(
        self,
        run_id: str,
        step_id: str,
        outcome: str = "success",
        data: Mapping[str, Any] | None = None,
        attachments: Sequence[Mapping[str, Any]] = (),
        next_step_assignments: Mapping[str, Sequence[str]] | None = None,
        key: str | None = None,
    ) -> Data:
        completion = {
            "outcome": outcome,
            "data": data or {},
            "attachments": attachments,
            "next_step_assignments": next_step_assignments or {},
        }
        body = {"action": "complete", "completion": completion}
        return await self._post("/playbook-runs/{}/steps/{}/complete", body, run_id, step_id, key=key)

    async def signal(self, run_id: str, kind: str, key: str | None = None, **signal: Any) -> Data:
        """`kind` is the signal's type, such as `pause`; `signal` its other fields."""
        body = {"action": "signal", "signal": {"type": kind, **signal}}
        return await self._post("/playbook-runs/{}/signal", body, run_id, key=key)

    async def timeline(self, run_id: str, include_system_events: bool = False) -> Data:
        return await self._get(
            "/playbook-runs/{}/timeline", run_id, include_system_events=str(include_system_events).lower()
        )

    async def analytics(
        self, filters: Mapping[str, Any] | None = None, group_by: Sequence[str] = (), metrics: Sequence[str] = ()
    ) -> Data:
        body = {"filters": filters or {}, "group_by": list(group_by), "metrics": list(metrics)}
        return await self._send("POST", "/analytics/playbook-runs", (), json=self._whole(body))

    async def _get(self, route: str, *ids: str, **query: Any) -> Data:
        return await self._send("GET", route, ids, params=query)

    async def _post(self, route: str, body: Mapping[str, Any], *ids: str, key: str | None = None) -> Data:
        headers = {"Idempotency-Key": key or str(uuid4())}
        for _ in range(TRIES):
            try:
                return await self._send("POST", route, ids, headers, json=self._whole(body))
            except ApiError as error:
                if error.status != ACCEPTED:
                    raise
                unanswered = error
        raise unanswered

    def _whole(self, body: Mapping[str, Any]) -> Data:
        return {"organization_id": self.organization_id, **body}

    async def _send(
        self, method: str, route: str, ids: Sequence[str], headers: Mapping[str, str] | None = None, **content: Any
    ) -> Data:
        path = "/api/v1" + route.format(*(quote(part, safe="") for part in ids))
        began = time.perf_counter()
        answer = await self._http.request(method, path, headers={**self._headers, **(headers or {})}, **content)
        if self._watch:
            behind = answer.headers.get("X-Consistency") == "behind"
            seconds = time.perf_counter() - began
            self._watch(Call(f"{method} {route.replace('{}', '…')}", answer.status_code, seconds, behind))
        return _data(answer)


def _data(answer: httpx.Response) -> Data:
    """Raises ApiError, with the code `ACCEPTED` where no reply came, and `NOT_THE_API` for what is no answer of it."""
    try:
        content = answer.json()
        if content["success"] and answer.status_code != ACCEPTED:
            data: Data = content["data"]
            return data
        if content["success"]:
            raise ApiError(ACCEPTED, "ACCEPTED", "No reply came in time; the command counts", content["data"])
        error = content["error"]
        code, message, details = error["code"], error["message"], error["details"]
    except (ValueError, KeyError, TypeError):
        raise ApiError(answer.status_code, "NOT_THE_API", answer.text[:200], {}) from None
    raise ApiError(answer.status_code, code, message, details)
