"""The notifier between run.events and a mail server of the tests."""

import contextlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import pytest_asyncio
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from contracts import topics
from contracts.events import Event
from services.notifier.main import build
from services.notifier.settings import NotifierSettings
from shared.clock import now
from shared.ids import new_id
from shared.kafka import Publisher
from shared.messages import OutgoingMessage, event_message
from shared.service import Service
from tests.infrastructure import Infrastructure
from tests.integration.running import Tap, publishing, running, tap, without_traces

ORGANIZATION = "org_mail"


@dataclass
class Mailbox:
    """Accepts mail, or answers as told: by recipient, a status line."""

    port: int = 0
    mails: list[Envelope] = field(default_factory=list)
    refusals: dict[str, list[str]] = field(default_factory=dict)

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, rcpt_options: list[str]
    ) -> str:
        refusals = self.refusals.get(address)
        if refusals:
            return refusals.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        self.mails.append(envelope)
        return "250 accepted"

    def to(self, address: str) -> list[Envelope]:
        return [mail for mail in self.mails if mail.rcpt_tos == [address]]


@dataclass
class Bench:
    service: Service
    publisher: Publisher
    mailbox: Mailbox
    commands: Tap
    parked: Tap

    @property
    def deliveries(self) -> Any:
        return self.service.mongo.collection("deliveries")

    async def publish(self, *messages: OutgoingMessage) -> None:
        await self.publisher.publish(messages)

    async def recorded(self, run_id: str) -> dict[str, Any]:
        found = await self.commands.find(lambda d: d["key"] == run_id)
        return found[0]


class OnFreePort(Controller):
    """Knows the port that it was given, which its own start needs to look whether it answers."""

    def _trigger_server(self) -> None:
        server: Any = self.server
        self.port = server.sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call]


@pytest.fixture(scope="package")
def mailbox() -> Iterator[Mailbox]:
    box = Mailbox()
    controller = OnFreePort(box, hostname="127.0.0.1", port=0)
    controller.start()
    server: Any = controller.server
    box.port = server.sockets[0].getsockname()[1]
    yield box
    controller.stop()


def notifier_settings(infrastructure: Infrastructure, **over: Any) -> NotifierSettings:
    return NotifierSettings.model_validate(
        {name.lower(): value for name, value in infrastructure.settings.items()}
        | {
            "database_prefix": new_id("test").replace("-", "")[:20],
            "shutdown_seconds": 2,
            "notifier_idle_seconds": 0.1,
        }
        | over
    )


def event(run_id: str, sequence: int, happened: type[Event], at: Any = None, **fields: Any) -> OutgoingMessage:
    base = {
        "at": at or now(), "actor": {"id": "system", "type": "system"}, "step_id": "step_002", "sequence": 2,
        "step_name": "Qualification Review", "step_type": "approval", "attempt": 1, "execution_mode": "manual",
    }  # fmt: skip
    message, _ = event_message(
        topics.RUN_EVENTS.name, run_id, happened.model_validate(base | fields), sequence=sequence, previous_hash=None,
        organization_id=ORGANIZATION, correlation_id="req_1", causation_id="cmd_1", time=at or now(),
    )  # fmt: skip
    return message


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def bench(infrastructure: Infrastructure, mailbox: Mailbox) -> AsyncIterator[Bench]:
    servers = infrastructure.bootstrap_servers
    settings = notifier_settings(
        infrastructure, notifier_smtp_url=f"smtp://127.0.0.1:{mailbox.port}", notifier_from="hera@hera.example",
        notifier_email_domain="hera.example",
    )  # fmt: skip
    async with contextlib.AsyncExitStack() as stack:
        commands = await stack.enter_async_context(tap(servers, topics.RUN_COMMANDS))
        parked = await stack.enter_async_context(tap(servers, topics.RUN_EVENTS.parked))
        publisher = await stack.enter_async_context(publishing(Publisher(settings, "test")))
        service = await stack.enter_async_context(running(without_traces(build(settings))))
        yield Bench(service, publisher, mailbox, commands, parked)
