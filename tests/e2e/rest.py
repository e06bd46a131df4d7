"""One tenant's requests, each to the next of two gateways."""

import contextlib
import uuid
from collections.abc import AsyncIterator, Iterator
from itertools import cycle
from typing import Any

import httpx

from deploy.local.ports import HOST
from tests.e2e.another import another
from tests.running_stack import RunningStack

WORKER = ("run:read", "step:complete")


class Rest:
    """Somebody of an organisation, at each gateway in turn."""

    def __init__(
        self,
        stack: RunningStack,
        gateways: Iterator[httpx.AsyncClient],
        organization_id: str,
        subject: str = "tester",
        roles: tuple[str, ...] = (),
        permissions: tuple[str, ...] = ("*",),
    ) -> None:
        self._stack = stack
        self._gateways = gateways
        self.organization_id = organization_id
        token = stack.token(organization_id, subject=subject, roles=roles, permissions=permissions)
        self._headers = {"Authorization": f"Bearer {token}"}

    def somebody(self, subject: str, *roles: str, permissions: tuple[str, ...] = WORKER) -> "Rest":
        """Another person of the organisation."""
        return Rest(self._stack, self._gateways, self.organization_id, subject, roles, permissions)

    def elsewhere(self) -> "Rest":
        """Somebody of another organisation."""
        return Rest(self._stack, self._gateways, f"org_{uuid.uuid4().hex[:12]}")

    async def ask(self, method: str, path: str, body: dict[str, Any] | None = None, **headers: str) -> httpx.Response:
        content = {"organization_id": self.organization_id, **body} if body is not None else None
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return await next(self._gateways).request(
            method, f"/api/v1{path}", json=content, headers={**self._headers, **sent}
        )

    async def data(self, method: str, path: str, body: dict[str, Any] | None = None, **headers: str) -> Any:
        answer = await self.ask(method, path, body, **headers)
        assert answer.status_code < 300, answer.text
        return answer.json()["data"]

    async def error(self, method: str, path: str, body: dict[str, Any] | None = None, **headers: str) -> Any:
        """The error, with its status."""
        answer = await self.ask(method, path, body, **headers)
        return {"status": answer.status_code, **answer.json()["error"]}

    async def created(self, draft: dict[str, Any]) -> str:
        """Id of the playbook."""
        return str((await self.data("POST", "/playbooks", {"playbook": draft}))["playbook_id"])

    async def started(self, playbook_id: str, **more: Any) -> str:
        """Id of the run."""
        run = await self.data("POST", "/playbook-runs", {"run": {"playbook_id": playbook_id, **more}})
        return str(run["run_id"])

    async def complete(self, run_id: str, step: int, **completion: Any) -> httpx.Response:
        path = f"/playbook-runs/{run_id}/steps/step_{step:03}/complete"
        return await self.ask("POST", path, {"completion": completion})


@contextlib.asynccontextmanager
async def over_two_gateways(stack: RunningStack) -> AsyncIterator[Rest]:
    with another(stack, "gateway") as gateway:
        await gateway.until_ready()
        async with (
            httpx.AsyncClient(base_url=stack.gateway_url, trust_env=False, timeout=30) as one,
            httpx.AsyncClient(base_url=f"http://{HOST}:{gateway.port}", trust_env=False, timeout=30) as other,
        ):
            yield Rest(stack, cycle((one, other)), f"org_{uuid.uuid4().hex[:12]}")
