"""`timers`: thousands of steps become overdue in one second, beside clients that complete other steps."""

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any

from pymongo import MongoClient
from pymongo.collection import Collection

from tests.bench import playbooks
from tests.bench.checks import Check
from tests.bench.client import Caller, Line
from tests.bench.human5 import Level, Requests, client
from tests.bench.measure import WARM_UP_SECONDS, milliseconds
from tests.bench.target import Target

TIMERS = 5000
STARTERS = 32
SECONDS_TO_START = 60.0
QUIET_SECONDS = 15.0
LONGEST_SECONDS = 120.0
SAMPLED_RUNS = 50


@dataclass
class Storm:
    """Completions before the timers were due, and while they fired."""

    clients: int
    quiet: Level
    busy: Level
    seconds: float = 0.0
    """From the moment at which all were due until the last of them had fired."""
    checks: list[Check] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        return not self.quiet.window.errors and not self.busy.window.errors and all(c.passed for c in self.checks)

    def summary(self) -> dict[str, Any]:
        return {
            "timers": TIMERS,
            "clients": self.clients,
            "all_fired_after_seconds": round(self.seconds, 2),
            **{
                name: {
                    "completions_per_second": round(level.window.count("complete") / level.window.seconds, 1),
                    "complete_ms": milliseconds(level.window.latencies.get("complete", [])),
                    "errors": dict(level.window.errors),
                }
                for name, level in (("quiet", self.quiet), ("while_timers_fire", self.busy))
            },
            "checks": [{"what": c.what, "passed": c.passed, "detail": c.detail} for c in self.checks],
        }


async def measure(target: Target, clients: int) -> Storm:
    """Steps are started one by one, each with a response time that ends in the same second."""
    caller = target.caller()
    due = time.time() + SECONDS_TO_START + WARM_UP_SECONDS + QUIET_SECONDS
    run_ids = await _waiting_runs(caller, due)
    playbook_id = await playbooks.register(caller, playbooks.human5())
    storm = Storm(clients, Level(clients), Level(clients))
    now, clock = time.time(), time.perf_counter()
    storm.quiet.window.opened = clock + due - QUIET_SECONDS - now
    storm.quiet.window.closed = storm.busy.window.opened = clock + due - now
    storm.busy.window.closed = storm.busy.window.opened + LONGEST_SECONDS
    requests = Requests(caller, playbook_id)
    async with asyncio.TaskGroup() as group:
        group.create_task(_fired(target, caller.organization_id, storm))
        for _ in range(clients):
            group.create_task(_work(requests, storm))
    storm.checks = [*storm.checks, await _told_once(caller, run_ids[:: TIMERS // SAMPLED_RUNS])]
    return storm


async def _work(requests: Requests, storm: Storm) -> None:
    for level in (storm.quiet, storm.busy):
        await client(requests, level)


async def _waiting_runs(caller: Caller, due: float) -> list[str]:
    playbook_id = await playbooks.register(caller, playbooks.responses())
    numbers = iter(range(TIMERS))
    run_ids: list[str] = []

    async def start() -> None:
        line = Line(caller)
        for _ in numbers:
            data = {"severity": str(round(due - time.time()))}
            answer = await line.send(
                caller.post("/playbook-runs", {"run": {"playbook_id": playbook_id, "initial_data": data}})
            )
            run_ids.append(answer.data()["run_id"])
        line.close()

    async with asyncio.TaskGroup() as group:
        for _ in range(STARTERS):
            group.create_task(start())
    if time.time() > due - QUIET_SECONDS - WARM_UP_SECONDS:
        raise RuntimeError(f"{TIMERS} runs were not started in {SECONDS_TO_START:.0f} s: the machine is too busy")
    return run_ids


async def _fired(target: Target, organization_id: str, storm: Storm) -> None:
    """Closes the window once no run waits for a timer any more."""
    window = storm.busy.window
    await asyncio.sleep(window.opened - time.perf_counter())
    with MongoClient[dict[str, Any]](target.mongodb_uri) as mongo:
        runs = mongo[target.engine_database]["runs"]
        waiting = {"organization_id": organization_id, "next_due_at": {"$ne": None}}
        left = await asyncio.to_thread(_until_none, runs, waiting, window.closed)
    window.closed = time.perf_counter()
    storm.seconds = window.seconds
    storm.checks.append(Check("every timer has fired", not left, f"{TIMERS - left} of {TIMERS}"))


def _until_none(runs: Collection[dict[str, Any]], query: dict[str, Any], closed: float) -> int:
    """How many are left in the end."""
    while (left := runs.count_documents(query)) and time.perf_counter() < closed:
        time.sleep(0.1)
    return left


async def _told_once(caller: Caller, run_ids: list[str]) -> Check:
    line, wrong = Line(caller), []
    for run_id in run_ids:
        answer = await line.send(caller.get(f"/playbook-runs/{run_id}/timeline?include_system_events=true"))
        marks = [entry["event_type"] for entry in answer.data()["timeline"]].count("step_overdue")
        wrong += [f"{run_id} {marks} times"] if marks != 1 else []
    line.close()
    return Check("each once", not wrong, "; ".join(wrong[:3]) or f"{len(run_ids)} timelines with one step_overdue each")
