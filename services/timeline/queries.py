"""The timeline's query endpoint, for the gateway."""

import asyncio
import contextlib
from collections.abc import Sequence
from typing import Annotated, Any

import structlog
from fastapi import APIRouter, Depends, Query, Response

from contracts.entries import entry, is_system_event
from contracts.envelope import Envelope
from contracts.registry import upcast
from contracts.rejections import Code, Rejection
from services.timeline.arrivals import Arrivals
from services.timeline.domain.summary import summary
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
        events = [_current(document) for document in await self.raw(organization_id, run_id, sequence)]
        complete = all(event.sequence == number for number, event in enumerate(events, 1))
        return events, complete and len(events) >= sequence

    async def raw(self, organization_id: str, run_id: str, sequence: int) -> Sequence[dict[str, Any]]:
        """The run's events in order, as they were written; waits, bounded, for those up to `sequence`."""
        if sequence > 0:
            await self._until_there(organization_id, run_id, sequence)
        return await self._store.of_run(organization_id, run_id)

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
                    await asyncio.wait_for(news.wait(), min(self._poll, left))
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

    @routes.get("/{run_id}/verification")
    async def verified(run_id: str, organization_id: str, head: Annotated[Head, Depends(_head)]) -> Response:
        events = await reads.raw(organization_id, run_id, head.sequence)
        return _answer(run_id, events, {"run_id": run_id, **verification(events, head, hash_of)})

    @routes.get("/{run_id}/evidence")
    async def evidence(run_id: str, organization_id: str, head: Annotated[Head, Depends(_head)]) -> Response:
        events = await reads.raw(organization_id, run_id, head.sequence)
        shown = view(run_id, [_current(event) for event in events], include_system_events=True)
        return _answer(run_id, events, {**shown, "events": events, "verification": verification(events, head, hash_of)})

    return routes


def _head(min_sequence: Annotated[int, Query(ge=0)], head_hash: str | None = None) -> Head:
    return Head(min_sequence, head_hash)


def _answer(run_id: str, events: Sequence[dict[str, Any]], data: dict[str, Any]) -> Response:
    if not events:
        return failure(_not_found(run_id))
    return success(data)


def view(run_id: str, events: list[Envelope], include_system_events: bool) -> dict[str, Any]:
    """The data of the public API's timeline endpoint."""
    shown = [entry(event) for event in events if include_system_events or not is_system_event(event)]
    return {"run_id": run_id, "timeline": shown, "summary": summary(shown, events)}


def _current(document: dict[str, Any]) -> Envelope:
    """The event with a payload of the current version."""
    event = Envelope.model_validate(document)
    return event.model_copy(update={"data": upcast(event.type, event.version, event.data)})


def _not_found(run_id: str) -> Rejection:
    return Rejection(
        code=Code.NOT_FOUND, message=f"Run {run_id} was not found", details={"field": "run_id", "value": run_id}
    )
