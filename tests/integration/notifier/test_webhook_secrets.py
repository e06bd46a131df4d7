"""The notifier's database holds no webhook's secret in clear."""

from base64 import b64decode
from datetime import timedelta
from typing import Any

import bson
import pytest

from contracts.webhooks import RotateWebhookSecret
from services.notifier.webhooks.secrets import Secrets
from services.notifier.webhooks.store import WebhookStore
from shared.cipher import new_key
from shared.clock import now
from shared.ids import new_id
from shared.keyring import Keyring
from shared.mongo import Mongo
from tests.infrastructure import Infrastructure
from tests.integration.notifier.conftest import notifier_settings
from tests.integration.notifier.subscribing import CALLER, Subscribing, Subscription, happened
from tests.integration.running import eventually


async def everything(hooks: Subscribing) -> bytes:
    """All that the database holds, as MongoDB keeps it."""
    database = hooks.webhooks.database
    names = await database.list_collection_names()
    found = [bson.encode(document) for name in names async for document in database[name].find()]
    return b"".join(found)


async def kept(hooks: Subscribing, subscription: Subscription) -> list[str]:
    document = await hooks.webhooks.find_one({"_id": subscription.webhook_id})
    return [secret["value"] for secret in document["secrets"]]


def rotate(subscription: Subscription) -> RotateWebhookSecret:
    return RotateWebhookSecret(
        caller=CALLER, organization_id=subscription.organization_id, webhook_id=subscription.webhook_id
    )


async def test_no_secret_stands_in_the_database_and_what_is_sent_is_signed_with_it(hooks: Subscribing) -> None:
    subscription = await hooks.subscribe()
    await hooks.ask(rotate(subscription))
    second = await hooks.secret(subscription.organization_id, subscription.webhook_id, 2)
    await hooks.publish(happened(subscription.organization_id, new_id("run"), 1))
    (request,) = await hooks.told(subscription.path)
    await hooks.delivery(subscription, "delivered")
    for secret in (subscription.secret, second):
        request.verified(secret)
        found = await everything(hooks)
        assert subscription.webhook_id.encode() in found
        assert secret.removeprefix("whsec_").encode() not in found
        assert b64decode(secret.removeprefix("whsec_")) not in found


async def test_what_was_kept_in_clear_is_encrypted_at_the_start(
    hooks: Subscribing, capsys: pytest.CaptureFixture[str]
) -> None:
    subscription = await hooks.subscribe()
    clear = {"$set": {"secrets.0.value": subscription.secret}, "$unset": {"revision": ""}}
    await hooks.webhooks.update_one({"_id": subscription.webhook_id}, clear)
    assert subscription.secret.encode() in await everything(hooks)
    (_, before) = await hooks.get(f"/{subscription.webhook_id}", subscription.organization_id)

    await Secrets(Keyring.of(hooks.keys)).reseal(WebhookStore(hooks.service.mongo))
    assert subscription.secret.encode() not in await everything(hooks)
    assert await hooks.secret(subscription.organization_id, subscription.webhook_id, 1) == subscription.secret
    assert (await hooks.get(f"/{subscription.webhook_id}", subscription.organization_id))[1] == before
    once = await kept(hooks, subscription)
    await Secrets(Keyring.of(hooks.keys)).reseal(WebhookStore(hooks.service.mongo))
    assert await kept(hooks, subscription) == once


async def test_a_secret_whose_key_is_gone_is_told_and_neither_sent_with_nor_held_against_the_endpoint(
    hooks: Subscribing, capsys: pytest.CaptureFixture[str]
) -> None:
    subscription = await hooks.subscribe()
    lost = Secrets(Keyring({"lost": new_key()})).fresh(subscription.webhook_id, 1)
    await hooks.webhooks.update_one({"_id": subscription.webhook_id}, {"$set": {"secrets.0.value": lost}})
    await Secrets(Keyring.of(hooks.keys)).reseal(WebhookStore(hooks.service.mongo))
    assert "webhook_secret_not_resealed" in capsys.readouterr().out
    status, error = await hooks.get(f"/{subscription.webhook_id}/secrets/1", subscription.organization_id)
    assert (status, error["code"]) == (503, "UNAVAILABLE")

    await hooks.publish(happened(subscription.organization_id, new_id("run"), 1))
    deferred = await hooks.delivery(subscription, "pending", error={"$regex": "its secret can't be opened, rotate it"})
    assert hooks.endpoint.at(subscription.path) == []
    assert (await hooks.webhooks.find_one({"_id": subscription.webhook_id}))["failing_since"] is None

    assert (await hooks.ask(rotate(subscription))).rejection is None
    await hooks.due_now(deferred["_id"])
    await hooks.delivery(subscription, "delivered")
    (request,) = hooks.endpoint.at(subscription.path)
    request.verified(await hooks.secret(subscription.organization_id, subscription.webhook_id, 2))


async def test_keys_of_the_configuration_are_changed_one_after_the_other(infrastructure: Infrastructure) -> None:
    settings = notifier_settings(infrastructure)
    mongo = Mongo(settings, "notifier")
    store, old, new = WebhookStore(mongo), new_key(), new_key()
    before = Secrets(Keyring({"old": old}))
    webhooks = [_document(number, before.fresh(f"wh_{number}", 1)) for number in range(3)]
    await mongo.collection("webhooks").insert_many(webhooks)
    clear = {w["_id"]: before.opened(w["_id"], (await _read(store, w["_id"])).secrets[0]) for w in webhooks}

    await Secrets(Keyring({"new": new, "old": old})).reseal(store)
    after = Secrets(Keyring({"new": new}))
    for webhook_id, secret in clear.items():
        assert after.opened(webhook_id, (await _read(store, webhook_id)).secrets[0]) == secret
    await mongo.collection("webhooks").database.client.drop_database(mongo.collection("webhooks").database.name)
    await mongo.close()


async def _read(store: WebhookStore, webhook_id: str) -> Any:
    async def found() -> Any:
        return await store.get("org_1", webhook_id)

    return await eventually(found)


def _document(number: int, secret: str) -> dict[str, Any]:
    at = now() - timedelta(days=1)
    return {
        "_id": f"wh_{number}", "organization_id": "org_1", "url": "https://a.example", "event_types": ["*"],
        "playbook_ids": [], "description": "", "contact": None, "status": "active", "created_at": at,
        "created_by": "ops", "updated_at": at, "updated_by": "ops", "written": 4, "notes": [], "taken": [],
        "secrets": [{"version": 1, "value": secret, "valid_until": None}], "failing_since": None,
    }  # fmt: skip
