"""The notifier's database holds no webhook's secret in clear."""

import asyncio
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import bson
import pytest
import pytest_asyncio
from pydantic import SecretStr

from contracts.webhooks import RotateWebhookSecret
from services.notifier import keys as keys_command
from services.notifier.settings import NotifierSettings
from services.notifier.webhooks.resealing import Resealing
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

OLD, NEW = {"old": new_key()}, {"new": new_key()}


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


async def started_again(hooks: Subscribing) -> None:
    await Resealing(WebhookStore(hooks.service.mongo), Secrets(Keyring.of(hooks.keys))).rewrap()


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

    await started_again(hooks)
    assert subscription.secret.encode() not in await everything(hooks)
    assert await hooks.secret(subscription.organization_id, subscription.webhook_id, 1) == subscription.secret
    assert (await hooks.get(f"/{subscription.webhook_id}", subscription.organization_id))[1] == before
    once = await kept(hooks, subscription)
    await started_again(hooks)
    assert await kept(hooks, subscription) == once


async def test_a_secret_whose_key_is_gone_is_told_and_neither_sent_with_nor_held_against_the_endpoint(
    hooks: Subscribing, capsys: pytest.CaptureFixture[str]
) -> None:
    subscription = await hooks.subscribe()
    lost = Secrets(Keyring({"lost": new_key()})).fresh(subscription.webhook_id, 1)
    await hooks.webhooks.update_one({"_id": subscription.webhook_id}, {"$set": {"secrets.0.value": lost}})
    await started_again(hooks)
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


@pytest_asyncio.fixture
async def kept_by_old(infrastructure: Infrastructure) -> AsyncIterator[tuple[NotifierSettings, WebhookStore]]:
    """Three webhooks whose secrets are under the key `old`."""
    settings = notifier_settings(infrastructure)
    mongo = Mongo(settings, "notifier")
    webhooks = mongo.collection("webhooks")
    await webhooks.insert_many([_document(n, Secrets(Keyring(OLD)).fresh(f"wh_{n}", 1)) for n in range(3)])
    yield settings, WebhookStore(mongo)
    await webhooks.database.client.drop_database(webhooks.database.name)
    await mongo.close()


async def test_keys_of_the_configuration_are_changed_one_after_the_other(
    kept_by_old: tuple[NotifierSettings, WebhookStore],
) -> None:
    _, store = kept_by_old
    clear = {f"wh_{n}": await _opened(store, f"wh_{n}", OLD) for n in range(3)}
    await Resealing(store, Secrets(Keyring(NEW | OLD))).rewrap()
    assert {webhook_id: await _opened(store, webhook_id, NEW) for webhook_id in clear} == clear


async def test_a_command_says_which_key_webhooks_still_need_and_encrypts_by_the_first(
    kept_by_old: tuple[NotifierSettings, WebhookStore], capsys: pytest.CaptureFixture[str]
) -> None:
    """Who removes a key that it names would lose secrets, though no organisation's key is wrapped by it."""
    settings, store = kept_by_old

    async def asked(keys: dict[str, bytes], *arguments: str) -> tuple[int, str]:
        over = settings.model_copy(update={"encryption_keys": as_setting(keys) if keys else None})
        code = await asyncio.to_thread(keys_command.main, over, arguments)
        said = capsys.readouterr()
        return code, "".join(line for line in said.out.splitlines(keepends=True) if not line.startswith("{")) + said.err

    needs_old = "3 secrets of webhooks are wrapped by old.\nOf ENCRYPTION_KEYS the notifier still needs old.\n"
    assert await asked(NEW | OLD) == (1, needs_old)
    (code, said) = await asked(NEW, "rewrap")
    assert (code, said) == (1, needs_old.replace("by old.", "by old, which ENCRYPTION_KEYS does not hold."))
    assert await asked({}) == (2, "ENCRYPTION_KEYS is not set.\n")

    first = await store.get("org_1", "wh_0")
    assert first is not None
    clear = first.secrets[0].model_copy(update={"value": Secrets(Keyring(OLD)).opened("wh_0", first.secrets[0])})
    over = first.secrets[0].model_copy(update={"version": 0, "valid_until": now()})
    await store.write(first, first.model_copy(update={"secrets": (clear, over), "written": first.written + 1}))
    (code, said) = await asked(NEW | OLD)
    assert (code, said.splitlines()[1]) == (1, "1 secrets of webhooks are in clear: rewrap encrypts them.")
    assert "2 secrets of webhooks are wrapped by old." in said
    needs_new = "3 secrets of webhooks are wrapped by new.\nOf ENCRYPTION_KEYS the notifier needs only new.\n"
    assert await asked(NEW | OLD, "rewrap") == (0, needs_new)
    assert await asked(NEW) == (0, needs_new)


def as_setting(keys: dict[str, bytes]) -> SecretStr:
    return SecretStr(",".join(f"{name}:{b64encode(key).decode()}" for name, key in keys.items()))


async def _opened(store: WebhookStore, webhook_id: str, keys: dict[str, bytes]) -> str:
    found = await store.get("org_1", webhook_id)
    assert found is not None
    return Secrets(Keyring(keys)).opened(webhook_id, found.secrets[0])


def _document(number: int, secret: str) -> dict[str, Any]:
    at = now() - timedelta(days=1)
    return {
        "_id": f"wh_{number}", "organization_id": "org_1", "url": "https://a.example", "event_types": ["*"],
        "playbook_ids": [], "description": "", "contact": None, "status": "active", "created_at": at,
        "created_by": "ops", "updated_at": at, "updated_by": "ops", "written": 4, "notes": [], "taken": [],
        "secrets": [{"version": 1, "value": secret, "valid_until": None}], "failing_since": None,
    }  # fmt: skip
