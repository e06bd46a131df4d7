"""`limits`: clients that complete steps, alone and then beside runs that are as large as runs may be."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from tests.bench import playbooks
from tests.bench.checks import Check
from tests.bench.client import Caller, Line
from tests.bench.human5 import Level, Requests, client
from tests.bench.measure import WARM_UP_SECONDS, milliseconds
from tests.bench.target import Target

STEPS = 1000
DATA_BYTES = 1_000_000
PAUSE_SECONDS = 0.05
"""Between two requests of a neighbour: they are people too."""


@dataclass
class Beside:
    """What the clients did beside one kind of neighbour, and what that one did meanwhile."""

    neighbour: str
    level: Level
    done: int = 0
    refused: dict[str, int] = field(default_factory=dict)


@dataclass
class Limits:
    clients: int
    parts: list[Beside] = field(default_factory=list)

    @property
    def checks(self) -> list[Check]:
        return [
            Check(f"{part.neighbour} went on", part.done > 0 and not part.refused, f"{part.done} done, {part.refused}")
            for part in self.parts[1:]
        ]

    @property
    def errors(self) -> dict[str, int]:
        return {error: count for part in self.parts for error, count in part.level.window.errors.items()}

    @property
    def passed(self) -> bool:
        return not self.errors and all(check.passed for check in self.checks)

    def summary(self) -> dict[str, Any]:
        return {
            "clients": self.clients,
            "parts": [
                {
                    "beside": part.neighbour,
                    "neighbours_requests": part.done,
                    "completions_per_second": round(part.level.window.count("complete") / part.level.window.seconds, 1),
                    "complete_ms": milliseconds(part.level.window.latencies.get("complete", [])),
                    "start_ms": milliseconds(part.level.window.latencies.get("start", [])),
                }
                for part in self.parts
            ],
            "checks": [{"what": c.what, "passed": c.passed, "detail": c.detail} for c in self.checks],
        }


Neighbour = Callable[[Line, Caller, Beside], Awaitable[None]]


async def measure(target: Target, clients: int, seconds: float) -> Limits:
    caller = target.caller()
    playbook_id = await playbooks.register(caller, playbooks.human5())
    found = Limits(clients)
    neighbours: dict[str, Neighbour | None] = {
        "nobody": None,
        f"a run of {STEPS} steps": _steps,
        f"runs with {DATA_BYTES} bytes of data": _data,
        "a run that takes thousands of events": _events,
    }
    for name, neighbour in neighbours.items():
        found.parts.append(await _beside(name, neighbour, caller, playbook_id, clients, seconds))
    return found


async def _beside(
    name: str, neighbour: Neighbour | None, caller: Caller, playbook_id: str, clients: int, seconds: float
) -> Beside:
    part = Beside(name, Level(clients))
    part.level.window.open_in(WARM_UP_SECONDS, seconds)
    requests = Requests(caller, playbook_id)
    async with asyncio.TaskGroup() as group:
        for _ in range(clients):
            group.create_task(client(requests, part.level))
        if neighbour is not None:
            group.create_task(_kept_up(neighbour, caller, part))
    return part


async def _kept_up(neighbour: Neighbour, caller: Caller, part: Beside) -> None:
    line = Line(caller)
    while time.perf_counter() < part.level.window.closed:
        await neighbour(line, caller, part)
    line.close()


async def _started(line: Line, caller: Caller, playbook_id: str, **data: Any) -> str:
    run = {"playbook_id": playbook_id, "initial_data": data}
    answer = await line.send(caller.post("/playbook-runs", {"run": run}))
    return str(answer.data()["run_id"])


async def _told(line: Line, request: bytes, part: Beside) -> bool:
    """Whether it was taken; a refusal is counted by its code."""
    answer = await line.send(request)
    await asyncio.sleep(PAUSE_SECONDS)
    if answer.status >= 400:
        code = f"status {answer.status}"
        part.refused[code] = part.refused.get(code, 0) + 1
        return False
    part.done += 1
    return True


async def _steps(line: Line, caller: Caller, part: Beside) -> None:
    """Registers a playbook of as many steps as there may be, and completes them one after the other."""
    playbook_id = await playbooks.register(caller, playbooks.tasks(STEPS))
    run_id = await _started(line, caller, playbook_id)
    for number in range(1, STEPS + 1):
        path = f"/playbook-runs/{run_id}/steps/step_{number:03d}/complete"
        taken = await _told(line, caller.post(path, {"completion": {"data": {"note": number}}}), part)
        if not taken or time.perf_counter() > part.level.window.closed:
            return


async def _data(line: Line, caller: Caller, part: Beside) -> None:
    """Starts a run with a megabyte, and completes its first step with another one in its place."""
    playbook_id = await playbooks.register(caller, playbooks.tasks(2))
    while time.perf_counter() < part.level.window.closed:
        run_id = await _started(line, caller, playbook_id, document="x" * DATA_BYTES)
        path = f"/playbook-runs/{run_id}/steps/step_001/complete"
        if not await _told(line, caller.post(path, {"completion": {"data": {"document": "y" * DATA_BYTES}}}), part):
            return


async def _events(line: Line, caller: Caller, part: Beside) -> None:
    """Sends events to one run, without a pause, from several systems at once."""
    playbook_id = await playbooks.register(caller, playbooks.tasks(2))
    run_id = await _started(line, caller, playbook_id)

    async def system(number: int) -> None:
        own, count = Line(caller), 0
        while time.perf_counter() < part.level.window.closed:
            signal = {"type": "event", "name": "measured", "data": {f"sensor_{number}": count}}
            answer = await own.send(caller.post(f"/playbook-runs/{run_id}/signal", {"signal": signal}))
            count += 1
            if answer.status == 409:
                break
            if answer.status >= 400:
                part.refused[f"status {answer.status}"] = part.refused.get(f"status {answer.status}", 0) + 1
            part.done += 1
        own.close()

    async with asyncio.TaskGroup() as group:
        for number in range(4):
            group.create_task(system(number))
