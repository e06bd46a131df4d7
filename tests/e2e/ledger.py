"""Clients that never give up on a wish, and a ledger of everything that they were told."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from tests.bench.client import Answer
from tests.e2e.clients import Client, tasks_in_a_row

STEPS = 3
EVENTS_OF_A_RUN = 2 + 2 * STEPS
PAUSE_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Wish:
    """One POST, as it may be sent any number of times."""

    path: str
    body: dict[str, Any]
    key: str
    status: int
    data: Any
    """What was answered."""


@dataclass
class Ledger:
    """What was acknowledged, and whatever was answered that should not have been."""

    playbook_id: str
    wishes: list[Wish] = field(default_factory=list)
    runs: dict[str, int] = field(default_factory=dict)
    """By run id, how many steps were acknowledged."""
    operations: list[str] = field(default_factory=list)
    """Paths of the operations that 202 responses named."""
    surprises: list[str] = field(default_factory=list)
    retries: int = 0


class Persistent:
    """Somebody who starts runs and completes them: a key for each wish, sent again until there is an answer."""

    def __init__(self, client: Client, ledger: Ledger) -> None:
        self._client = client
        self._ledger = ledger

    async def work(self, goes_on: Callable[[], bool]) -> None:
        while goes_on():
            started = await self._insist(
                "/playbook-runs", {"action": "create", "run": {"playbook_id": self._ledger.playbook_id}}, 201
            )
            if started is None:
                return
            run_id = started["run_id"]
            self._ledger.runs[run_id] = 0
            for step in range(1, STEPS + 1):
                path = f"/playbook-runs/{run_id}/steps/step_{step:03}/complete"
                completion = {"outcome": "success", "data": {"account": f"{run_id} {step}"}}
                if await self._insist(path, {"action": "complete", "completion": completion}, 200) is None:
                    return
                self._ledger.runs[run_id] = step

    async def _insist(self, path: str, body: dict[str, Any], status: int) -> Any:
        """The answer's data; None, and a surprise in the ledger, where it is not the one that must come."""
        key = str(uuid.uuid4())
        answer = await self._until_answered(path, body, key)
        if answer.status != status:
            self._ledger.surprises.append(f"{path}: {answer.status} {answer.body[:300].decode(errors='replace')}")
            return None
        self._ledger.wishes.append(Wish(path, body, key, answer.status, answer.data()))
        return answer.data()

    async def _until_answered(self, path: str, body: dict[str, Any], key: str) -> Answer:
        while True:
            try:
                answer = await self._client.post(path, body, key)
            except (OSError, TimeoutError):
                answer = None
            if answer is not None and not _no_answer_yet(answer):
                return answer
            if answer is not None and answer.status == 202:
                self._ledger.operations.append(answer.headers["location"].removeprefix("/api/v1"))
            self._ledger.retries += 1
            await asyncio.sleep(PAUSE_SECONDS)


def _no_answer_yet(answer: Answer) -> bool:
    """It says itself that it is worth another try: 503, or 409 where the first try is under way; 202 has no outcome."""
    return answer.status == 202 or "retry-after" in answer.headers


async def work_while(client: Client, people: int, happens: Callable[[Ledger], Awaitable[None]]) -> Ledger:
    """What people were told who worked all the while; everybody finishes the run in hand."""
    ledger = Ledger(await client.created(_playbook()))
    done = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        for _ in range(people):
            group.create_task(Persistent(client, ledger).work(lambda: not done.is_set()))
        await happens(ledger)
        done.set()
    return ledger


def _playbook() -> dict[str, Any]:
    """Each step with a field that is kept encrypted."""
    playbook = tasks_in_a_row(STEPS)
    fields = [{"name": "account", "type": "text", "encrypted": True}]
    steps = [{**step, "step_type": "form", "metadata": {"form_fields": fields}} for step in playbook["steps"]]
    return {**playbook, "steps": steps}
