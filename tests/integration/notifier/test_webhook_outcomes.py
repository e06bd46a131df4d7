"""What a command to a webhook was answered stays so: for who asks later, sends it again, or gets it redelivered."""

from datetime import timedelta
from typing import Any

import pytest

from contracts.topics import NOTIFIER_COMMANDS
from contracts.webhooks import DeleteWebhook, TestWebhook, WebhookCommand
from services.notifier.domain.webhooks import ANSWERS_KEPT
from services.notifier.webhooks.deliveries import DeliveryStore
from services.notifier.webhooks.secrets import Secrets
from services.notifier.webhooks.store import WebhookStore
from services.notifier.webhooks.taking import CommandConsumer
from shared import clock
from shared.ids import new_id
from shared.kafka import Parking
from shared.keyring import Keyring
from shared.messages import command_message
from tests.integration.asking import GivenRecord
from tests.integration.notifier.subscribing import CALLER, Subscribing, create

LIMIT = 1


@pytest.fixture
def consumer(hooks: Subscribing) -> CommandConsumer:
    """Handed records as Kafka would, and twice where a crash came before the commit."""
    mongo, publisher = hooks.service.mongo, hooks.publisher
    secrets = Secrets(Keyring.of(hooks.keys))
    parking = Parking(publisher, NOTIFIER_COMMANDS, "test")
    stores = (WebhookStore(mongo), DeliveryStore(mongo, timedelta(days=1), timedelta(minutes=1)))
    return CommandConsumer(*stores, secrets, publisher, parking, (), LIMIT, lambda: None)


def delivered(hooks: Subscribing, command: WebhookCommand) -> tuple[GivenRecord]:
    message = command_message(
        NOTIFIER_COMMANDS.name, command.webhook_id, command, message_id=new_id("cmd"),
        organization_id=command.organization_id, correlation_id="req_1", time=clock.now(),
        reply_to=hooks.requester.address,
    )  # fmt: skip
    return (GivenRecord(message.value, message.key.encode(), message.topic, offset=1_000_000),)


async def test_a_command_keeps_its_outcome_and_its_key_after_more_commands_than_a_webhook_remembers(
    hooks: Subscribing,
) -> None:
    ours, command_id = await hooks.subscribe(), new_id("cmd")
    about: dict[str, Any] = {"organization_id": ours.organization_id, "webhook_id": ours.webhook_id}
    first = await hooks.ask(TestWebhook(caller=CALLER, **about), command_id, "body")
    for _ in range(ANSWERS_KEPT + 1):
        await hooks.ask(TestWebhook(caller=CALLER, **about))
    _, found = await hooks.get(f"/{ours.webhook_id}/commands/{command_id}", ours.organization_id)
    assert found["reply"]["result"] == first.result
    again = await hooks.ask(TestWebhook(caller=CALLER, **about), command_id, "body")
    assert (again.result, again.replayed) == (first.result, True)
    assert await hooks.deliveries.count_documents({"webhook_id": ours.webhook_id}) == ANSWERS_KEPT + 2


async def test_a_create_whose_outcome_has_expired_is_not_carried_out_again(hooks: Subscribing) -> None:
    organization_id, webhook_id, command_id = new_id("org"), new_id("wh"), new_id("cmd")
    command = create(organization_id, webhook_id, url="https://a.example", event_types=["*"])
    await hooks.ask(command, command_id, "body")
    await hooks.webhooks.update_one({"_id": webhook_id}, {"$set": {"taken": []}})  # they made room for later ones
    again = await hooks.ask(command, command_id, "body")
    assert again.rejection is not None and again.rejection.code == "IDEMPOTENCY_CONFLICT"
    assert "no longer kept" in again.rejection.message
    assert (await hooks.get(f"/{webhook_id}", organization_id))[1]["secret_version"] == 1


async def test_a_webhook_that_was_refused_stays_refused_when_its_command_is_delivered_again(
    hooks: Subscribing, consumer: CommandConsumer
) -> None:
    ours, webhook_id = await hooks.subscribe(), new_id("wh")
    one_too_many = delivered(
        hooks, create(ours.organization_id, webhook_id, url="https://a.example", event_types=["*"])
    )
    await consumer.handle(one_too_many)
    about = {"caller": CALLER, "organization_id": ours.organization_id, "webhook_id": ours.webhook_id}
    assert (await hooks.ask(DeleteWebhook(**about))).rejection is None
    await consumer.handle(one_too_many)
    assert (await hooks.get(f"/{webhook_id}", ours.organization_id))[0] == 404
