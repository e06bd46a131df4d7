"""`human5`: clients that start a run and complete its five steps, one after the other, again and again."""

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any

from tests.bench import playbooks
from tests.bench.checks import Check, completed_runs
from tests.bench.client import Caller, CallError, Line
from tests.bench.measure import WARM_UP_SECONDS, Window, milliseconds
from tests.bench.target import Target

ERRORS_OF_A_CLIENT = 3
EVENTS_OF_A_RUN = 2 + 2 * playbooks.STEPS
"""Created, each step started and completed, completed."""


@dataclass
class Level:
    """What one number of clients came to."""

    clients: int
    window: Window = field(default_factory=Window)
    ended: list[str] = field(default_factory=list)
    """Runs that were completed to their end, in and outside the window."""
    checks: list[Check] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        return not self.window.errors and all(check.passed for check in self.checks)

    def summary(self) -> dict[str, Any]:
        window = self.window
        return {
            "clients": self.clients,
            "seconds": round(window.seconds, 2),
            "completions_per_second": round(window.count("complete") / window.seconds, 1),
            "runs_per_second": round(window.count("run") / window.seconds, 1),
            "start_ms": milliseconds(window.latencies.get("start", [])),
            "complete_ms": milliseconds(window.latencies.get("complete", [])),
            "errors": dict(window.errors),
            "cpu_seconds_per_1000_completions": window.cpu_per_thousand("complete"),
            "runs_ended": len(self.ended),
            "checks": [{"what": c.what, "passed": c.passed, "detail": c.detail} for c in self.checks],
        }


async def measure(target: Target, clients: int, seconds: float) -> Level:
    """One level: a playbook of its own, a warm-up, a window of `seconds`, then the checks."""
    caller = target.caller()
    playbook_id = await playbooks.register(caller, playbooks.human5())
    level = Level(clients)
    level.window.open_in(WARM_UP_SECONDS, seconds)
    pids = target.pids()
    requests = Requests(caller, playbook_id)
    async with asyncio.TaskGroup() as group:
        group.create_task(level.window.measure_cpu(pids))
        for _ in range(clients):
            group.create_task(client(requests, level))
    level.checks = await completed_runs(caller, playbook_id, level.ended, EVENTS_OF_A_RUN)
    return level


class Requests:
    """The requests of a run, as bytes; only the run's id is put in."""

    def __init__(self, caller: Caller, playbook_id: str) -> None:
        self.caller = caller
        run = {"playbook_id": playbook_id, "context": {"entity_type": "order"}, "initial_data": {"amount": 1200}}
        self.start = caller.post("/playbook-runs", {"action": "create", "run": run})
        completion = {"outcome": "success", "data": {"note": "done"}}
        tail = caller.post_tail({"action": "complete", "completion": completion})
        self._tails = [f"/steps/step_{n:03d}/complete".encode() + tail for n in range(1, playbooks.STEPS + 1)]

    def completions(self, run_id: str) -> list[bytes]:
        head = f"POST /api/v1/playbook-runs/{run_id}".encode()
        return [head + tail for tail in self._tails]


async def client(requests: Requests, level: Level) -> None:
    line = Line(requests.caller)
    failures = 0
    while time.perf_counter() < level.window.closed and failures < ERRORS_OF_A_CLIENT:
        try:
            level.ended.append(await _one_run(line, requests, level.window))
        except (CallError, OSError, TimeoutError) as error:
            level.window.errors[str(error) or repr(error)] += 1
            failures += 1
    line.close()


async def _one_run(line: Line, requests: Requests, window: Window) -> str:
    first = began = time.perf_counter()
    answer = await line.send(requests.start)
    now = time.perf_counter()
    if answer.status != 201:
        raise CallError(answer)
    window.note("start", began, now)
    run_id: str = answer.data()["run_id"]
    for request in requests.completions(run_id):
        began = time.perf_counter()
        answer = await line.send(request)
        now = time.perf_counter()
        if answer.status != 200:
            raise CallError(answer)
        window.note("complete", began, now)
    if answer.data()["run_status"]["overall_status"] != "completed":
        raise CallError(answer)
    window.note("run", first, now)
    return run_id
