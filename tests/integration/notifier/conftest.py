"""The notifier between its topics, a mail server of the tests and an endpoint of theirs."""

import contextlib
from base64 import b64encode
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio

from contracts import topics
from contracts.events import Event
from services.notifier.main import build
from services.notifier.settings import NotifierSettings
from shared.clock import now
from shared.ids import new_id
from shared.kafka import Publisher
from shared.messages import OutgoingMessage, event_message
from shared.request_reply import Requester
from shared.service import Service
from tests.infrastructure import Infrastructure
from tests.integration.asking import client
from tests.integration.notifier.subscribing import Subscribing
from tests.integration.running import Tap, publishing, running, tap, without_traces
from tests.mailbox import Mailbox, receiving
from tests.receiving import endpoint

ORGANIZATION = "org_mail"


@dataclass
class Bench:
    service: Service
    publisher: Publisher
    mailbox: Mailbox
    commands: Tap
    parked: Tap
    parked_documents: Tap
    hooks: Subscribing

    @property
    def deliveries(self) -> Any:
        return self.service.mongo.collection("deliveries")

    async def publish(self, *messages: OutgoingMessage) -> None:
        await self.publisher.publish(messages)

    async def recorded(self, run_id: str) -> dict[str, Any]:
        found = await self.commands.find(lambda d: d["key"] == run_id)
        return found[0]


@pytest.fixture(scope="package")
def mailbox() -> Iterator[Mailbox]:
    with receiving() as box:
        yield box


def notifier_settings(infrastructure: Infrastructure, **over: Any) -> NotifierSettings:
    return NotifierSettings.model_validate(
        {name.lower(): value for name, value in infrastructure.settings.items()}
        | {
            "database_prefix": new_id("test").replace("-", "")[:20],
            "shutdown_seconds": 2,
            "notifier_idle_seconds": 0.1,
            "run_engine_url": "http://127.0.0.1:1",
        }
        | over
    )


def event(run: str, number: int, happened: type[Event], at: Any = None, **fields: Any) -> OutgoingMessage:
    base = {
        "at": at or now(), "actor": {"id": "system", "type": "system"}, "step_id": "step_002", "sequence": 2,
        "step_name": "Qualification Review", "step_type": "approval", "attempt": 1, "execution_mode": "manual",
    }  # fmt: skip
    message, _ = event_message(
        topics.RUN_EVENTS.name, run, happened.model_validate(base | fields), sequence=number, previous_hash=None,
        organization_id=ORGANIZATION, correlation_id="req_1", causation_id="cmd_1", time=at or now(),
    )  # fmt: skip
    return message


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def bench(infrastructure: Infrastructure, mailbox: Mailbox) -> AsyncIterator[Bench]:
    servers = infrastructure.bootstrap_servers
    settings = notifier_settings(
        infrastructure, **{name.lower(): value for name, value in mailbox.settings.items()},
        notifier_webhook_allowed_networks=["127.0.0.0/8"], notifier_webhook_timeout_seconds=5,
        notifier_webhook_concurrency_per_endpoint=2, notifier_webhook_concurrency_per_organization=6,
        encryption_keys=f"test:{b64encode(bytes(range(32))).decode()}", notifier_webhook_first_retry_seconds=60,
    )  # fmt: skip
    async with contextlib.AsyncExitStack() as stack:
        taken = await stack.enter_async_context(endpoint())
        settings = settings.model_copy(update={"run_engine_url": taken.url("")})
        commands = await stack.enter_async_context(tap(servers, topics.RUN_COMMANDS))
        parked = await stack.enter_async_context(tap(servers, topics.RUN_EVENTS.parked))
        documents = await stack.enter_async_context(tap(servers, topics.POLICY_EVENTS.parked))
        publisher = await stack.enter_async_context(publishing(Publisher(settings, "test")))
        requester = Requester(settings, publisher, topics.GATEWAY_REPLIES, "test")
        await requester.start()
        stack.push_async_callback(requester.stop)
        service = await stack.enter_async_context(running(without_traces(build(settings))))
        http = await stack.enter_async_context(client(service))
        hooks = Subscribing(service, publisher, requester, http, taken)
        yield Bench(service, publisher, mailbox, commands, parked, documents, hooks)


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def hooks(bench: Bench) -> Subscribing:
    return bench.hooks
