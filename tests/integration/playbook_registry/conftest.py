"""The registry between taps on its topics, and a caller that waits for its replies."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import pytest_asyncio

from contracts.commands import CreatePlaybook, PlaybookChange
from contracts.definitions import PlaybookDraft
from contracts.replies import Reply
from contracts.topics import GATEWAY_REPLIES, PLAYBOOK_EVENTS, REGISTRY_COMMANDS
from contracts.values import Caller
from services.playbook_registry.main import build
from services.playbook_registry.settings import Settings
from shared import clock
from shared.ids import new_id
from shared.kafka import Publisher
from shared.messages import OutgoingMessage, command_message
from shared.request_reply import Requester
from shared.service import Service
from tests.infrastructure import Infrastructure
from tests.integration.asking import client, settings_on
from tests.integration.running import Tap, publishing, running, tap, without_traces

CALLER = Caller(id="user_123", roles=("playbook_admin",), permissions=("playbook:create",))


@dataclass
class Bench:
    """The running service and what is around it."""

    service: Service
    publisher: Publisher
    requester: Requester
    http: httpx.AsyncClient
    events: Tap
    parked: Tap
    settings: Settings

    def command(
        self, draft: PlaybookDraft, organization_id: str, command_id: str | None = None, fingerprint: str | None = None
    ) -> OutgoingMessage:
        """A CreatePlaybook; of one command id it is always the same playbook's."""
        command_id = command_id or new_id("cmd")
        playbook_id = command_id.replace("cmd", "pb")
        create = CreatePlaybook(caller=CALLER, playbook_id=playbook_id, organization_id=organization_id, draft=draft)
        return command_message(
            REGISTRY_COMMANDS.name, playbook_id, create, message_id=command_id, organization_id=organization_id,
            correlation_id="req_1", time=clock.now(), deadline=clock.now() + timedelta(seconds=60),
            reply_to=self.requester.address, fingerprint=fingerprint,
        )  # fmt: skip

    async def change(
        self, command: PlaybookChange, command_id: str | None = None, fingerprint: str | None = None
    ) -> Reply:
        command_id = command_id or new_id("cmd")
        message = command_message(
            REGISTRY_COMMANDS.name, command.playbook_id, command, message_id=command_id,
            organization_id=command.organization_id, correlation_id="req_2", time=clock.now(),
            deadline=clock.now() + timedelta(seconds=60), reply_to=self.requester.address, fingerprint=fingerprint,
        )  # fmt: skip
        reply = await self.requester.ask(command_id, message, timeout=30)
        assert reply is not None
        return reply

    async def ask(self, command: OutgoingMessage) -> Reply:
        reply = await self.requester.ask(command.key.replace("pb", "cmd"), command, timeout=30)
        assert reply is not None
        return reply

    async def get(self, path: str, **params: Any) -> tuple[int, Any]:
        """Status, and data or error."""
        return _content(await self.http.get(f"/internal/playbooks{path}", params=params))

    async def post(self, path: str, body: Any, **params: Any) -> tuple[int, Any]:
        """Status, and data or error."""
        return _content(await self.http.post(f"/internal/playbooks{path}", params=params, json=body))


def _content(answer: httpx.Response) -> tuple[int, Any]:
    body = answer.json()
    return answer.status_code, body["data"] if body["success"] else body["error"]


def draft(**over: Any) -> PlaybookDraft:
    return PlaybookDraft.model_validate(
        {"name": "Test", "smart_code": "HERA.TEST.PLAYBOOK.SMALL.v1", "steps": [{"name": "A", "sequence": 1}], **over}
    )


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def bench(infrastructure: Infrastructure) -> AsyncIterator[Bench]:
    servers = infrastructure.bootstrap_servers
    settings = settings_on(infrastructure, Settings)
    async with contextlib.AsyncExitStack() as stack:
        events = await stack.enter_async_context(tap(servers, PLAYBOOK_EVENTS))
        parked = await stack.enter_async_context(tap(servers, REGISTRY_COMMANDS.parked))
        publisher = await stack.enter_async_context(publishing(Publisher(settings, "test")))
        requester = Requester(settings, publisher, GATEWAY_REPLIES, "test")
        await requester.start()
        stack.push_async_callback(requester.stop)
        service = await stack.enter_async_context(running(without_traces(build(settings))))
        http = await stack.enter_async_context(client(service))
        yield Bench(service, publisher, requester, http, events, parked, settings)
