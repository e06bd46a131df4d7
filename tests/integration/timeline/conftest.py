"""The timeline service, fed by its topic."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

import httpx
import pytest_asyncio

from contracts import events
from contracts.topics import RUN_EVENTS
from services.timeline.main import build
from services.timeline.settings import Settings
from shared.kafka import Publisher
from shared.messages import OutgoingMessage, event_message
from shared.service import Service
from tests.infrastructure import Infrastructure
from tests.integration.asking import client, settings_on
from tests.integration.running import Tap, publishing, running, tap, without_traces
from tests.unit.timeline.events import later, sample

ORGANIZATION = "org_1"


def history(run_id: str, updates: int, organization_id: str = ORGANIZATION) -> list[OutgoingMessage]:
    """A run's creation and that many updates of its data."""
    kinds: Sequence[type[events.Event]] = [events.RunCreated] + [events.DataUpdated] * updates
    messages: list[OutgoingMessage] = []
    previous = None
    for sequence, kind in enumerate(kinds, 1):
        message, previous = event_message(
            RUN_EVENTS.name, run_id, sample(kind, at=later(sequence)), sequence=sequence, previous_hash=previous,
            organization_id=organization_id, correlation_id="req_1", causation_id="cmd_1", time=later(sequence),
        )  # fmt: skip
        messages.append(message)
    return messages


@dataclass
class Bench:
    """The running service and what is around it."""

    service: Service
    publisher: Publisher
    http: httpx.AsyncClient
    parked: Tap
    settings: Settings

    async def get(self, run_id: str, organization_id: str = ORGANIZATION, **params: Any) -> httpx.Response:
        asked = {"organization_id": organization_id, **params}
        return await self.http.get(f"/internal/timelines/{run_id}", params=asked)

    async def until_seen(self, run_id: str, sequence: int) -> httpx.Response:
        """Asks again until the answer is up to date."""
        async with asyncio.timeout(30):
            while "X-Consistency" in (answer := await self.get(run_id, min_sequence=sequence)).headers:
                pass
        return answer


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def bench(infrastructure: Infrastructure) -> AsyncIterator[Bench]:
    settings = settings_on(infrastructure, Settings, timeline_wait_seconds=0.5)
    async with contextlib.AsyncExitStack() as stack:
        parked = await stack.enter_async_context(tap(infrastructure.bootstrap_servers, RUN_EVENTS.parked))
        publisher = await stack.enter_async_context(publishing(Publisher(settings, "test")))
        service = await stack.enter_async_context(running(without_traces(build(settings))))
        http = await stack.enter_async_context(client(service))
        yield Bench(service, publisher, http, parked, settings)
