"""Who subscribes to webhooks, at the notifier of the tests."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx

from contracts import topics
from contracts.events import DataUpdated, Event
from contracts.replies import Reply
from contracts.values import Caller
from contracts.webhooks import CreateWebhook, WebhookCommand, WebhookDraft
from shared import clock
from shared.ids import new_id, stable_id
from shared.kafka import Publisher
from shared.messages import OutgoingMessage, command_message, event_message
from shared.request_reply import Requester
from shared.service import Service
from tests.integration.running import eventually
from tests.receiving import Endpoint

CALLER = Caller(id="ops", permissions=("webhook:manage",))


@dataclass(frozen=True)
class Subscription:
    organization_id: str
    webhook_id: str
    secret: str
    path: str


@dataclass
class Subscribing:
    """Sends commands, waits for their replies, and looks at what comes of them."""

    service: Service
    publisher: Publisher
    requester: Requester
    http: httpx.AsyncClient
    endpoint: Endpoint

    @property
    def keys(self) -> Any:
        """ENCRYPTION_KEYS of the notifier."""
        settings: Any = self.service.settings
        return settings.encryption_keys

    @property
    def deliveries(self) -> Any:
        return self.service.mongo.collection("webhook_deliveries")

    @property
    def webhooks(self) -> Any:
        return self.service.mongo.collection("webhooks")

    async def ask(
        self, command: WebhookCommand, command_id: str | None = None, fingerprint: str | None = None
    ) -> Reply:
        command_id = command_id or new_id("cmd")
        message = command_message(
            topics.NOTIFIER_COMMANDS.name, command.webhook_id, command, message_id=command_id,
            organization_id=command.organization_id, correlation_id="req_1", time=clock.now(),
            deadline=clock.now() + timedelta(seconds=60), reply_to=self.requester.address, fingerprint=fingerprint,
        )  # fmt: skip
        reply = await self.requester.ask(command_id, message, timeout=30)
        assert reply is not None
        return reply

    async def subscribe(self, organization_id: str | None = None, **draft: Any) -> Subscription:
        organization_id, webhook_id = organization_id or new_id("org"), new_id("wh")
        path = f"/{webhook_id}"
        wanted = {"url": self.endpoint.url(path), "event_types": ["*"], **draft}
        reply = await self.ask(create(organization_id, webhook_id, **wanted))
        assert reply.rejection is None, reply.rejection
        return Subscription(organization_id, webhook_id, await self.secret(organization_id, webhook_id, 1), path)

    async def secret(self, organization_id: str, webhook_id: str, version: int) -> str:
        return str((await self.get(f"/{webhook_id}/secrets/{version}", organization_id))[1]["secret"])

    async def get(self, path: str, organization_id: str, **params: Any) -> tuple[int, Any]:
        """Status, and data or error."""
        answer = await self.http.get(f"/internal/webhooks{path}", params={"organization_id": organization_id, **params})
        body = answer.json()
        return answer.status_code, body["data"] if body["success"] else body["error"]

    async def publish(self, *messages: OutgoingMessage) -> None:
        await self.publisher.publish(messages)

    async def delivery(self, subscription: Subscription, status: str, **more: Any) -> dict[str, Any]:
        """The first with that status, waited for."""
        query = {"webhook_id": subscription.webhook_id, "status": status, **more}

        async def there() -> Any:
            return await self.deliveries.find_one(query)

        found: dict[str, Any] = await eventually(there)
        return found

    async def due_now(self, delivery_id: str) -> None:
        await self.deliveries.update_one({"_id": delivery_id}, {"$set": {"due_at": clock.now()}})

    async def told(self, path: str, count: int = 1) -> list[Any]:
        """What came to the endpoint, waited for."""

        async def there() -> Any:
            return self.endpoint.at(path) if len(self.endpoint.at(path)) >= count else None

        found: list[Any] = await eventually(there)
        return found


def create(organization_id: str, webhook_id: str, **draft: Any) -> CreateWebhook:
    return CreateWebhook(
        caller=CALLER, organization_id=organization_id, webhook_id=webhook_id, draft=WebhookDraft(**draft)
    )


def happened(organization_id: str, run_id: str, number: int, kind: type[Event] = DataUpdated, **fields: Any) -> Any:
    """An event of a run, as it is published."""
    base = {"at": clock.now(), "actor": {"id": "ada", "type": "user"}}
    if kind is DataUpdated:
        base |= {"data": {"ssn": "078-05-1120"}, "fields_updated": ["ssn"], "update_type": "manual"}
    message, _ = event_message(
        topics.RUN_EVENTS.name, run_id, kind.model_validate(base | fields), sequence=number, previous_hash=None,
        organization_id=organization_id, correlation_id="req_1", causation_id="cmd_1", time=clock.now(),
    )  # fmt: skip
    return message


def message_id(run_id: str, sequence: int, subscription: Subscription) -> str:
    return stable_id("msg", f"{run_id}:{sequence}", subscription.webhook_id)
