"""What must be true after the load: every run ended as it should, and the projections know it."""

import asyncio
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tests.bench.client import Caller, Connection

CATCH_UP_SECONDS = 2.0
SAMPLED_RUNS = 20


@dataclass(frozen=True, slots=True)
class Check:
    what: str
    passed: bool
    detail: str


async def completed_runs(caller: Caller, playbook_id: str, run_ids: Sequence[str], events: int | None) -> list[Check]:
    """Checks that exactly these runs of the playbook are there, completed, with so many events in each timeline.

    None: any number, from the first to the last."""
    began = time.perf_counter()
    connection = await caller.connect()
    try:
        return [
            await _listed(caller, connection, playbook_id, len(run_ids)),
            await _counted(caller, connection, playbook_id, len(run_ids), began),
            await _told(caller, connection, run_ids, events, began),
        ]
    finally:
        connection.close()


async def _listed(caller: Caller, connection: Connection, playbook_id: str, expected: int) -> Check:
    listed = {}
    for name, status in (("all", ""), ("completed", "&status=completed")):
        page = await connection.send(caller.get(f"/playbook-runs?playbook_id={playbook_id}&limit=1{status}"))
        listed[name] = page.data()["total"]
    passed = listed == {"all": expected, "completed": expected}
    return Check("every run is completed", passed, f"{listed['completed']} of {listed['all']}, {expected} expected")


async def _counted(caller: Caller, connection: Connection, playbook_id: str, expected: int, began: float) -> Check:
    """The metrics' numbers, asked for until they are right or the time is over."""
    while True:
        answer = await connection.send(caller.get(f"/playbooks/{playbook_id}/metrics?period=30d"))
        stats = answer.data()["metrics"]["execution_stats"]
        after = time.perf_counter() - began
        right = stats["total_runs"] == stats["completed_runs"] == expected
        if right or after > CATCH_UP_SECONDS:
            detail = f"{stats['completed_runs']} of {stats['total_runs']}, {expected} expected, after {after:.2f} s"
            return Check("analytics has caught up", right and after <= CATCH_UP_SECONDS, detail)
        await asyncio.sleep(0.02)


async def _told(
    caller: Caller, connection: Connection, run_ids: Sequence[str], events: int | None, began: float
) -> Check:
    sampled = random.sample(list(run_ids), min(SAMPLED_RUNS, len(run_ids)))
    wrong = []
    for run_id in sampled:
        path = f"/playbook-runs/{run_id}/timeline?include_system_events=true"
        answer = await connection.send(caller.get(path))
        timeline = answer.data()["timeline"]
        if not _is_whole(timeline, events) or "x-consistency" in answer.headers:
            wrong.append(f"{run_id} has {len(timeline)} events")
    after = time.perf_counter() - began
    detail = "; ".join(wrong[:3]) or f"{len(sampled)} timelines of {events or 'all their'} events, after {after:.2f} s"
    return Check("timelines have caught up", not wrong and after <= CATCH_UP_SECONDS, detail)


def _is_whole(timeline: list[dict[str, Any]], events: int | None) -> bool:
    ends = (timeline[0]["event_type"], timeline[-1]["event_type"]) if timeline else ()
    return len(timeline) == (events or len(timeline)) and ends == ("run_created", "run_completed")
