"""Clients of the running stack: one tenant's requests over kept connections, to any of its gateways."""

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator
from typing import Any

from deploy.local.ports import HOST
from deploy.local.waiting import until
from tests.bench.client import Answer, Caller, Connection
from tests.running_stack import RunningStack

OPERATION_SECONDS = 60.0


def tenant(stack: RunningStack, port: int | None = None, organization_id: str | None = None) -> Caller:
    """Somebody of an organisation of their own, who may do everything."""
    organization_id = organization_id or f"org_{uuid.uuid4().hex[:12]}"
    token = stack.token(organization_id, subject="tester", permissions=("*",), ttl_seconds=7200)
    return Caller(HOST, port or stack.plan.ports["gateway"], token, organization_id)


def tasks_in_a_row(count: int) -> dict[str, Any]:
    """A playbook of task steps that anyone who may complete steps can take."""
    smart_code = f"HERA.TEST.PLAYBOOK.TASKS.N{uuid.uuid4().hex[:12].upper()}.v1"
    return {
        "name": f"{count} tasks",
        "smart_code": smart_code,
        "steps": [{"name": f"Task {n}", "sequence": n} for n in range(1, count + 1)],
    }


class Client:
    """As many requests at once as are asked for, each on a connection of its own."""

    def __init__(self, caller: Caller) -> None:
        self.caller = caller
        self._idle: list[Connection] = []

    async def get(self, path: str) -> Answer:
        return await self._send(self.caller.get(path))

    async def post(self, path: str, body: dict[str, Any], idempotency_key: str | None = None) -> Answer:
        return await self._send(self.caller.post(path, body, idempotency_key))

    async def created(self, playbook: dict[str, Any]) -> str:
        """Id of the playbook."""
        answer = await self.post("/playbooks", {"action": "create", "playbook": playbook})
        return str((await self._came_to(answer))["playbook_id"])

    async def started(self, playbook_id: str, **more: Any) -> dict[str, Any]:
        """The new run, as the answer shows it."""
        body = {"action": "create", "run": {"playbook_id": playbook_id, **more}}
        run: dict[str, Any] = await self._came_to(await self.post("/playbook-runs", body))
        return run

    async def completed(self, run_id: str, step: int, **more: Any) -> dict[str, Any]:
        body = {"action": "complete", "completion": {"outcome": "success", **more}}
        answer = await self.post(f"/playbook-runs/{run_id}/steps/step_{step:03}/complete", body)
        completion: dict[str, Any] = await self._came_to(answer)
        return completion

    async def signalled(self, run_id: str, **signal: Any) -> dict[str, Any]:
        answer = await self.post(f"/playbook-runs/{run_id}/signal", {"action": "signal", "signal": signal})
        result: dict[str, Any] = await self._came_to(answer)
        return result

    async def _came_to(self, answer: Answer) -> Any:
        """The answer's data; of a command that the gateway could not wait for (202), as soon as it is known."""
        if answer.status != 202:
            return answer.data()
        path = answer.headers["location"].removeprefix("/api/v1")
        operation: dict[str, Any] = {}

        async def is_known() -> bool:
            operation.update((await self.get(path)).data())
            return bool(operation["status"] != "running")

        await asyncio.wait_for(until(is_known), OPERATION_SECONDS)
        assert operation["status"] == "succeeded", operation
        return operation["result"]

    def close(self) -> None:
        while self._idle:
            self._idle.pop().close()

    async def _send(self, request: bytes) -> Answer:
        while self._idle:
            connection = self._idle.pop()
            if connection.is_open:
                break
        else:
            connection = await self.caller.connect()
        answer = await connection.send(request)
        self._idle.append(connection)
        return answer


@contextlib.asynccontextmanager
async def background_load(caller: Caller, clients: int) -> AsyncIterator[None]:
    """Others who start runs and complete them, all the while."""
    client, done = Client(caller), asyncio.Event()
    playbook_id = await client.created(tasks_in_a_row(2))

    async def somebody() -> None:
        while not done.is_set():
            run = await client.started(playbook_id)
            for step in (1, 2):
                await client.completed(run["run_id"], step)

    async with asyncio.TaskGroup() as group:
        for _ in range(clients):
            group.create_task(somebody())
        try:
            yield
        finally:
            done.set()
    client.close()
