"""An organisation at work, over REST: its people, its playbooks and its runs."""

import uuid
from dataclasses import dataclass
from typing import Any

import httpx

from tests.running_stack import RunningStack


@dataclass(frozen=True)
class User:
    """One person of an organisation."""

    http: httpx.AsyncClient
    organization_id: str
    headers: dict[str, str]

    async def ask(self, method: str, path: str, body: dict[str, Any] | None = None, **headers: str) -> httpx.Response:
        content = {"organization_id": self.organization_id, **body} if body is not None else None
        sent = {**self.headers, **{name.replace("_", "-"): value for name, value in headers.items()}}
        return await self.http.request(method, f"/api/v1{path}", json=content, headers=sent)

    async def data(self, method: str, path: str, body: dict[str, Any] | None = None, **headers: str) -> Any:
        answer = await self.ask(method, path, body, **headers)
        assert answer.status_code < 300, answer.text
        return answer.json()["data"]

    async def error(self, method: str, path: str, body: dict[str, Any] | None = None, **headers: str) -> Any:
        answer = await self.ask(method, path, body, **headers)
        return {"status": answer.status_code, **answer.json()["error"]}


USER = ("playbook:create", "run:create", "run:read", "run:update", "step:complete")


class Office:
    """An organisation with a playbook of its own."""

    def __init__(self, stack: RunningStack, http: httpx.AsyncClient) -> None:
        self._stack = stack
        self._http = http
        self.organization_id = f"org_{uuid.uuid4().hex[:12]}"

    def user(self, name: str, *roles: str, permissions: tuple[str, ...] = USER) -> User:
        token = self._stack.token(self.organization_id, subject=name, roles=roles, permissions=permissions)
        return User(self._http, self.organization_id, {"Authorization": f"Bearer {token}"})

    async def playbook(self, *steps: dict[str, Any]) -> str:
        smart_code = f"HERA.TEST.PLAYBOOK.OFFICE.N{uuid.uuid4().hex[:12].upper()}.v1"
        draft = {"name": "Office work", "smart_code": smart_code, "steps": list(steps)}
        created = await self.user("author").data("POST", "/playbooks", {"playbook": draft})
        return str(created["playbook_id"])

    async def run(self, playbook_id: str, **more: Any) -> str:
        started = await self.user("starter").data(
            "POST", "/playbook-runs", {"run": {"playbook_id": playbook_id, **more}}
        )
        return str(started["run_id"])
