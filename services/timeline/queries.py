"""The timeline's query endpoint, for the gateway."""

import asyncio
import contextlib
from collections.abc import Sequence
from typing import Annotated, Any

import structlog
from fastapi import APIRouter, Depends, Query, Response

from contracts.envelope import Envelope
from contracts.rejections import Code, Rejection
from services.timeline.arrivals import Arrivals
from services.timeline.domain.showing import legible, view
from services.timeline.domain.verification import Head, verification
from services.timeline.settings import Settings
from services.timeline.store import EventStore
from shared.http import failure, success
from shared.kafka import Pace
from shared.messages import hash_of

BEHIND = {"X-Consistency": "behind"}
log = structlog.get_logger()


class TimelineReads:
    """Reads that see what they must: they wait, bounded, until the events are there."""

    def __init__(self, store: EventStore, arrivals: Arrivals, pace: Pace, settings: Settings) -> None:
        self._store = store
        self._arrivals = arrivals
        self._pace = pace
        self._wait = settings.timeline_wait_seconds
        self._poll = settings.timeline_poll_seconds

    async def events(self, organization_id: str, run_id: str, sequence: int) -> tuple[list[Envelope], bool]:
        """The run's events in order, and whether all up to `sequence` are there, without a gap."""
        events = legible(await self.raw(organization_id, run_id, sequence))
        complete = all(event.sequence == number for number, event in enumerate(events, 1))
        return events, complete and len(events) >= sequence

    async def raw(self, organization_id: str, run_id: str, sequence: int) -> Sequence[dict[str, Any]]:
        """The run's events in order, as they were written; waits, bounded, for those up to `sequence`."""
        if sequence > 0:
            await self._until_there(organization_id, run_id, sequence)
        return await self._store.of_run(organization_id, run_id)

    async def count(self, organization_id: str, run_id: str) -> int:
        return await self._store.count(organization_id, run_id)

    async def _until_there(self, organization_id: str, run_id: str, sequence: int) -> None:
        deadline = asyncio.get_running_loop().time() + self._wait
        if await self._store.has_all(organization_id, run_id, sequence):
            return
        with self._arrivals.of(run_id) as news, self._pace.hurry():
            while not await self._store.has_all(organization_id, run_id, sequence):
                left = deadline - asyncio.get_running_loop().time()
                if left <= 0:
                    log.warning("timeline_behind", run_id=run_id, sequence=sequence)
                    return
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(min(self._poll, left)):
                        await news.wait()
                news.clear()


def router(reads: TimelineReads) -> APIRouter:
    routes = APIRouter(prefix="/internal/timelines")

    @routes.get("/{run_id}")
    async def timeline(
        run_id: str,
        organization_id: str,
        include_system_events: bool = False,
        min_sequence: Annotated[int, Query(ge=0)] = 0,
    ) -> Response:
        events, up_to_date = await reads.events(organization_id, run_id, min_sequence)
        headers = {} if up_to_date else BEHIND
        if not events:
            return failure(_not_found(run_id), headers)
        return success(view(run_id, events, include_system_events), headers=headers)

    @routes.get("/{run_id}/count")
    async def count(run_id: str, organization_id: str) -> Response:
        """How many events are here: who asks the engine for the run's head next finds them in it, all that are its."""
        return success({"events": await reads.count(organization_id, run_id)})

    @routes.get("/{run_id}/verification")
    async def verified(run_id: str, organization_id: str, asked: Annotated[_Asked, Depends()]) -> Response:
        events = await reads.raw(organization_id, run_id, asked.min_sequence)
        return success({"run_id": run_id, **verification(events, asked.head, hash_of, asked.here)})

    @routes.get("/{run_id}/evidence")
    async def evidence(run_id: str, organization_id: str, asked: Annotated[_Asked, Depends()]) -> Response:
        """Of what came after the head nothing; of what stood here before, and goes beyond it, all."""
        events = await reads.raw(organization_id, run_id, asked.min_sequence)
        if not events:
            return failure(_not_found(run_id))
        held = events[: max(asked.head.sequence, asked.here)]
        shown = view(run_id, legible(held), include_system_events=True)
        proved = verification(events, asked.head, hash_of, asked.here)
        return success({**shown, "events": held, "verification": proved})

    return routes


class _Asked:
    """The engine's head; `here`: how many events were in the timeline before it was asked for that."""

    def __init__(
        self,
        min_sequence: Annotated[int, Query(ge=0)],
        head_hash: str | None = None,
        here: Annotated[int, Query(ge=0)] = 0,
    ) -> None:
        self.min_sequence, self.here = min_sequence, here
        self.head = Head(min_sequence, head_hash)


def _not_found(run_id: str) -> Rejection:
    return Rejection(
        code=Code.NOT_FOUND, message=f"Run {run_id} was not found", details={"field": "run_id", "value": run_id}
    )
