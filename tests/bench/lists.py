"""`lists`: pages of 10,000 runs and their tasks, beside 100,000 of other organisations."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from urllib.parse import quote

from tests import crowd
from tests.bench import playbooks
from tests.bench.client import Caller, CallError, Line
from tests.bench.human5 import ERRORS_OF_A_CLIENT
from tests.bench.measure import WARM_UP_SECONDS, Window, milliseconds
from tests.bench.target import Target

RUNS = 10_000
CLIENTS = 2
WORKERS_ROLES = ("clerk", "r1")
SINCE = quote((datetime.now(UTC) - timedelta(days=1)).isoformat())
PAGES: Mapping[str, str] = {
    "runs, newest first": "/playbook-runs",
    "runs by last change": "/playbook-runs?sort=-updated_at",
    "runs of a status": "/playbook-runs?status=failed",
    "runs of a playbook": "/playbook-runs?playbook_id=pb_7",
    "runs about an entity": "/playbook-runs?entity_id=c7",
    "runs of an assignee": "/playbook-runs?assignee=u7",
    "runs that are late": "/playbook-runs?overdue=true",
    "runs of several filters": f"/playbook-runs?status=failed&priority=high&entity_type=customer&created_from={SINCE}",
    "tasks by due date": "/tasks",
    "tasks by priority": "/tasks?sort=priority",
    "tasks of mine": "/tasks?assignment=mine",
    "counts of tasks": "/tasks/counts",
}


@dataclass
class Lists:
    """What a while of reading came to; the latencies are by kind of page."""

    window: Window = field(default_factory=Window)

    @property
    def passed(self) -> bool:
        return not self.window.errors and len(self.window.latencies) == 2 * len(PAGES) - 1

    def summary(self) -> dict[str, Any]:
        return {
            "runs": RUNS,
            "runs_of_others": crowd.THEIRS,
            "clients": CLIENTS,
            "pages_per_second": round(sum(map(len, self.window.latencies.values())) / self.window.seconds, 1),
            "ms": {name: milliseconds(found) for name, found in sorted(self.window.latencies.items())},
            "errors": dict(self.window.errors),
        }


async def measure(target: Target, seconds: float) -> Lists:
    """Clients that take one kind of page after the other, each time the first one and the one that follows."""
    caller = target.caller(subject="u7", roles=WORKERS_ROLES)
    await _filled(target, caller)
    lists = Lists()
    lists.window.open_in(WARM_UP_SECONDS, seconds)
    async with asyncio.TaskGroup() as group:
        group.create_task(lists.window.measure_cpu(target.pids()))
        for number in range(CLIENTS):
            group.create_task(_client(caller, lists.window, number))
    return lists


async def _filled(target: Target, caller: Caller) -> None:
    playbook_id = await playbooks.register(caller, playbooks.human5())
    async with caller.client() as client:
        run_id = (await client.start_run({"playbook_id": playbook_id}))["run_id"]
    start = datetime.now(UTC) - timedelta(hours=12)
    start = start.replace(microsecond=0)
    await asyncio.to_thread(crowd.fill, target.mongodb_uri, target.engine_database, run_id, RUNS, start)


async def _client(caller: Caller, window: Window, number: int) -> None:
    line, failures = Line(caller), 0
    kinds = list(PAGES.items())
    for turn in count(number):
        if time.perf_counter() >= window.closed or failures >= ERRORS_OF_A_CLIENT:
            break
        try:
            await _two_pages(line, window, *kinds[turn % len(kinds)])
        except (CallError, OSError, TimeoutError) as error:
            window.errors[str(error) or repr(error)] += 1
            failures += 1
    line.close()


async def _two_pages(line: Line, window: Window, name: str, path: str) -> None:
    first = await _page(line, window, name, path)
    if first.get("next"):
        joint = "&" if "?" in path else "?"
        await _page(line, window, f"{name}, next page", f"{path}{joint}cursor={first['next']}")


async def _page(line: Line, window: Window, name: str, path: str) -> dict[str, Any]:
    began = time.perf_counter()
    answer = await line.send(line.caller.get(path))
    window.note(name, began, time.perf_counter())
    data: dict[str, Any] = answer.data()
    return data
