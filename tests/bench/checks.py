"""What must be true after the load: every run ended as it should, and the projections know it."""

import asyncio
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass

from deploy.client import Client
from deploy.client.shapes import TimelineEvent
from tests.bench.client import Caller

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
    async with caller.client() as client:
        return [
            await _counted(client, playbook_id, len(run_ids), began),
            await _told(client, run_ids, events, began),
            await _listed(client, playbook_id, run_ids),
        ]


async def _listed(client: Client, playbook_id: str, run_ids: Sequence[str]) -> Check:
    """Page by page: a list's total is not exact beyond a thousand."""
    found = [(run["run_id"], run["status"]) async for run in client.each_run(playbook_id=playbook_id, limit=100)]
    completed = sum(status == "completed" for _, status in found)
    detail = f"{completed} of {len(found)}, {len(run_ids)} expected"
    are_right = completed == len(found) and sorted(run_id for run_id, _ in found) == sorted(run_ids)
    return Check("every run is completed", are_right, detail)


async def _counted(client: Client, playbook_id: str, expected: int, began: float) -> Check:
    """The metrics' numbers, asked for until they are right or the time is over."""
    while True:
        stats = (await client.metrics(playbook_id))["metrics"]["execution_stats"]
        after = time.perf_counter() - began
        right = stats["total_runs"] == stats["completed_runs"] == expected
        if right or after > CATCH_UP_SECONDS:
            detail = f"{stats['completed_runs']} of {stats['total_runs']}, {expected} expected, after {after:.2f} s"
            return Check("analytics has caught up", right and after <= CATCH_UP_SECONDS, detail)
        await asyncio.sleep(0.02)


async def _told(client: Client, run_ids: Sequence[str], events: int | None, began: float) -> Check:
    """A timeline that is behind is asked for again until it is not: that is in the time that is checked."""
    sampled = random.sample(list(run_ids), min(SAMPLED_RUNS, len(run_ids)))
    wrong = []
    for run_id in sampled:
        timeline = (await client.timeline(run_id, include_system_events=True))["timeline"]
        if not _is_whole(timeline, events):
            wrong.append(f"{run_id} has {len(timeline)} events")
    after = time.perf_counter() - began
    detail = "; ".join(wrong[:3]) or f"{len(sampled)} timelines of {events or 'all their'} events, after {after:.2f} s"
    return Check("timelines have caught up", not wrong and after <= CATCH_UP_SECONDS, detail)


def _is_whole(timeline: Sequence[TimelineEvent], events: int | None) -> bool:
    ends = (timeline[0]["event_type"], timeline[-1]["event_type"]) if timeline else ()
    return len(timeline) == (events or len(timeline)) and ends == ("run_created", "run_completed")
