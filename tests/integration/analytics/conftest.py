"""The analytics service, fed by its topics."""

import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import pytest_asyncio

from contracts import events
from contracts.events import Event, PlaybookRegistered
from contracts.topics import PLAYBOOK_EVENTS, RUN_EVENTS
from contracts.values import Actor
from services.analytics.main import build
from services.analytics.settings import Settings
from shared.clock import now
from shared.kafka import Publisher
from shared.messages import OutgoingMessage, event_message
from shared.service import Service
from tests.infrastructure import Infrastructure
from tests.integration.asking import client, settings_on
from tests.integration.running import Tap, publishing, running, tap, without_traces
from tests.unit.timeline.events import sample

USER = Actor(id="user_1")


def story(playbook_id: str, hours: float = 1) -> list[Event]:
    """A run of one step, completed within its SLA that many hours after its creation."""
    began = now() - timedelta(hours=hours)
    playbook = {"playbook_id": playbook_id, "revision": 1, "name": "Onboarding", "version": "1", "smart_code": "x"}
    step: dict[str, Any] = {"step_id": "step_001", "sequence": 1, "step_name": "Contact", "actor": USER}
    return [
        sample(events.RunCreated, at=began, playbook=playbook, context={"entity_type": "customer"}, sla_hours=48),
        sample(events.StepStarted, at=began, **step),
        sample(events.StepCompleted, at=now(), completed_by="user_1", duration_minutes=60 * hours, **step),
        sample(events.RunCompleted, at=now(), outcome="success", sla_met=True, duration_minutes=60 * hours),
    ]


def wire(run_id: str, happened: Sequence[Event], organization_id: str) -> list[OutgoingMessage]:
    messages: list[OutgoingMessage] = []
    previous = None
    for sequence, event in enumerate(happened, 1):
        message, previous = event_message(
            RUN_EVENTS.name, run_id, event, sequence=sequence, previous_hash=previous,
            organization_id=organization_id, correlation_id="req_1", causation_id="cmd_1", time=event.at,
        )  # fmt: skip
        messages.append(message)
    return messages


def registered(playbook_id: str, organization_id: str, revision: int = 1, name: str = "Onboarding") -> OutgoingMessage:
    definition = {
        "playbook_id": playbook_id, "revision": revision, "organization_id": organization_id, "name": name,
        "smart_code": "HERA.A.B.C.v1", "metadata": {"sla_hours": 48, "estimated_duration_minutes": 240},
        "steps": [{"step_id": "step_001", "sequence": 1, "name": "Contact"}], "created_at": now(), "created_by": "u",
    }  # fmt: skip
    event = sample(PlaybookRegistered, definition=definition)
    message, _ = event_message(
        PLAYBOOK_EVENTS.name, playbook_id, event, sequence=revision, previous_hash=None,
        organization_id=organization_id, correlation_id="req_1", causation_id="cmd_1", time=now(),
    )  # fmt: skip
    return message


@dataclass
class Bench:
    """The running service and what is around it."""

    service: Service
    publisher: Publisher
    http: httpx.AsyncClient
    parked: Tap
    settings: Settings

    async def metrics(self, playbook_id: str, organization_id: str, **params: Any) -> httpx.Response:
        asked = {"organization_id": organization_id, **params}
        return await self.http.get(f"/internal/playbooks/{playbook_id}/metrics", params=asked)

    async def analytics(self, organization_id: str, **body: Any) -> httpx.Response:
        asked = {"organization_id": organization_id}
        return await self.http.post("/internal/analytics/playbook-runs", params=asked, json=body)


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def bench(infrastructure: Infrastructure) -> AsyncIterator[Bench]:
    # A slow machine must not turn "eventually there" into "behind".
    settings = settings_on(infrastructure, Settings, analytics_wait_seconds=20)
    async with contextlib.AsyncExitStack() as stack:
        parked = await stack.enter_async_context(tap(infrastructure.bootstrap_servers, RUN_EVENTS.parked))
        publisher = await stack.enter_async_context(publishing(Publisher(settings, "test")))
        service = await stack.enter_async_context(running(without_traces(build(settings))))
        http = await stack.enter_async_context(client(service))
        yield Bench(service, publisher, http, parked, settings)
