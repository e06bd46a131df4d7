"""From an event of a run to an endpoint of somebody who subscribed to it."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest
from standardwebhooks.webhooks import WebhookVerificationError

from contracts.events import RunCompleted, StepBlocked
from contracts.webhooks import (
    ChangeWebhook,
    DeleteWebhook,
    EnableWebhook,
    ReplayDelivery,
    ReplayFailedDeliveries,
    RotateWebhookSecret,
    TestWebhook,
    WebhookChange,
)
from services.notifier.webhooks.calls import Endpoints
from services.notifier.webhooks.deliveries import DELIVERIES, Outgoing
from services.notifier.webhooks.secrets import Secrets
from services.notifier.webhooks.store import WEBHOOKS, WebhookStore
from shared.clock import now
from shared.ids import new_id
from shared.keyring import Keyring
from tests.integration.notifier.conftest import Bench
from tests.integration.notifier.subscribing import CALLER, Subscribing, Subscription, happened, message_id
from tests.integration.running import eventually
from tests.receiving import types_of


def about(subscription: Subscription) -> dict[str, Any]:
    return {
        "caller": CALLER,
        "organization_id": subscription.organization_id,
        "webhook_id": subscription.webhook_id,
    }


async def run_of(hooks: Subscribing, playbook_id: str = "pb_1") -> str:
    """A run that the engine knows."""
    run_id = new_id("run")
    hooks.endpoint.playbooks[run_id] = playbook_id
    return run_id


async def test_an_event_arrives_signed_and_shaped_as_the_timeline_shows_it(hooks: Subscribing) -> None:
    subscription, run_id = await hooks.subscribe(), await run_of(hooks)
    await hooks.publish(happened(subscription.organization_id, run_id, 7))

    (request,) = await hooks.told(subscription.path)
    message = request.verified(subscription.secret)
    assert request.headers["webhook-id"] == message_id(run_id, 7, subscription)
    assert request.headers["content-type"] == "application/json"
    assert set(message) == {"type", "timestamp", "data"}
    assert (message["type"], message["timestamp"]) == ("data_updated", message["data"]["timestamp"])
    data = message["data"]
    assert (data["run_id"], data["organization_id"], data["playbook_id"]) == (
        run_id, subscription.organization_id, "pb_1",
    )  # fmt: skip
    assert (data["event_id"], data["sequence"], data["actor"]) == (f"{run_id}:7", 7, "ada")
    assert data["details"] == {"fields_updated": ["ssn"], "update_type": "manual"}
    assert "078-05-1120" not in request.body
    done = await hooks.delivery(subscription, "delivered")
    assert (done["tries"], done["last"]["status_code"]) == (1, 200)


async def test_a_signature_by_another_secret_is_none(hooks: Subscribing) -> None:
    subscription, other = await hooks.subscribe(), await hooks.subscribe()
    await hooks.publish(happened(subscription.organization_id, await run_of(hooks), 1))
    (request,) = await hooks.told(subscription.path)
    with pytest.raises(WebhookVerificationError):
        request.verified(other.secret)


async def test_only_types_that_were_subscribed_to_are_sent(hooks: Subscribing) -> None:
    subscription, run_id = await hooks.subscribe(event_types=["run_completed"]), await run_of(hooks)
    org = subscription.organization_id
    ended = happened(org, run_id, 2, RunCompleted, outcome="success", duration_minutes=1)
    await hooks.publish(happened(org, run_id, 1), ended)
    assert types_of(await hooks.told(subscription.path)) == ["run_completed"]
    assert await hooks.deliveries.count_documents({"webhook_id": subscription.webhook_id}) == 1


async def test_only_runs_of_the_playbooks_that_were_named_are_sent(hooks: Subscribing) -> None:
    subscription = await hooks.subscribe(playbook_ids=["pb_wanted"])
    wanted, other, org = await run_of(hooks, "pb_wanted"), await run_of(hooks, "pb_other"), subscription.organization_id
    witness = await hooks.subscribe(org)
    await hooks.publish(happened(org, other, 1), happened(org, wanted, 1))
    await hooks.told(witness.path, 2)
    (request,) = await hooks.told(subscription.path)
    assert json.loads(request.body)["data"]["run_id"] == wanted
    assert await hooks.deliveries.count_documents({"webhook_id": subscription.webhook_id}) == 1


async def test_another_organisation_s_events_never_arrive(hooks: Subscribing) -> None:
    ours, theirs = await hooks.subscribe(), await hooks.subscribe()
    await hooks.publish(happened(theirs.organization_id, await run_of(hooks), 1))
    await hooks.publish(happened(ours.organization_id, await run_of(hooks), 1))
    requests = await hooks.told(ours.path) + await hooks.told(theirs.path)
    for subscription, request in zip((ours, theirs), requests, strict=True):
        assert request.verified(subscription.secret)["data"]["organization_id"] == subscription.organization_id


async def test_an_event_that_comes_twice_is_sent_once(hooks: Subscribing) -> None:
    subscription, run_id = await hooks.subscribe(), await run_of(hooks)
    event = happened(subscription.organization_id, run_id, 1)
    await hooks.publish(event, event)
    await hooks.publish(event, happened(subscription.organization_id, run_id, 2))
    await hooks.told(subscription.path, 2)
    assert await hooks.deliveries.count_documents({"webhook_id": subscription.webhook_id}) == 2


async def test_what_fails_is_tried_again_under_the_same_id(hooks: Subscribing) -> None:
    subscription, run_id = await hooks.subscribe(), await run_of(hooks)
    hooks.endpoint.answers[subscription.path] += [500, 429]
    await hooks.publish(happened(subscription.organization_id, run_id, 1))
    deferred = await hooks.delivery(subscription, "pending", tries=1, error="the endpoint answered 500")
    assert deferred["due_at"] - deferred["last"]["at"] >= timedelta(seconds=60)

    async def fails() -> bool:
        return (await hooks.webhooks.find_one({"_id": subscription.webhook_id}))["failing_since"] is not None

    await eventually(fails)
    await hooks.due_now(deferred["_id"])
    deferred = await hooks.delivery(subscription, "pending", tries=2, error="the endpoint answered 429")
    await hooks.due_now(deferred["_id"])
    await hooks.delivery(subscription, "delivered", tries=3, error=None)

    requests = await hooks.told(subscription.path, 3)
    assert {request.headers["webhook-id"] for request in requests} == {message_id(run_id, 1, subscription)}
    assert len({request.body for request in requests}) == 1
    for request in requests:
        request.verified(subscription.secret)

    async def works() -> bool:
        return (await hooks.webhooks.find_one({"_id": subscription.webhook_id}))["failing_since"] is None

    await eventually(works)


async def test_a_day_of_failures_is_the_end_of_a_delivery(hooks: Subscribing) -> None:
    subscription = await hooks.subscribe()
    hooks.endpoint.always[subscription.path] = 503
    await hooks.publish(happened(subscription.organization_id, await run_of(hooks), 1))
    deferred = await hooks.delivery(subscription, "pending", tries=1, error="the endpoint answered 503")
    await hooks.deliveries.update_one(
        {"_id": deferred["_id"]}, {"$set": {"since": now() - timedelta(hours=24), "due_at": now()}}
    )
    failed = await hooks.delivery(subscription, "failed")
    assert (failed["tries"], failed["error"]) == (2, "the endpoint answered 503")


async def test_a_redirect_is_not_followed(hooks: Subscribing) -> None:
    subscription = await hooks.subscribe()
    hooks.endpoint.always[subscription.path] = 302
    await hooks.publish(happened(subscription.organization_id, await run_of(hooks), 1))
    deferred = await hooks.delivery(subscription, "pending", tries=1, error={"$ne": None})
    assert deferred["error"] == "the endpoint answered 302; redirects are not followed"
    assert hooks.endpoint.at("/elsewhere") == []


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "2130706433", "127.1", "0x7f000001", "017700000001"])
async def test_what_leads_inside_is_not_called(hooks: Subscribing, host: str) -> None:
    """By names, and by the odder ways to write an address."""
    subscription = await hooks.subscribe(url=f"http://{host}:{hooks.endpoint.port}/inside")
    webhook = await WebhookStore(hooks.service.mongo).get(subscription.organization_id, subscription.webhook_id)
    assert webhook is not None
    endpoints = Endpoints(Secrets(Keyring.of(hooks.keys)), allowed=(), connections=1, timeout_seconds=5)
    await endpoints.start()
    attempt = await endpoints.call(webhook, outgoing(subscription))
    await endpoints.stop()
    assert attempt.status_code is None
    assert "which is not open to calls from here" in (attempt.error or "")
    assert hooks.endpoint.at("/inside") == []


def outgoing(subscription: Subscription) -> Outgoing:
    return Outgoing(
        "msg_1", subscription.webhook_id, subscription.organization_id, None, "webhook_test", None, "{}", now(), now(),
        "req_1", None,
    )  # fmt: skip


async def test_one_that_hangs_delays_no_other(hooks: Subscribing) -> None:
    hanging, lively = await hooks.subscribe(), await hooks.subscribe()
    hooks.endpoint.held[hanging.path] = asyncio.Event()
    run_id = await run_of(hooks)
    await hooks.publish(*(happened(hanging.organization_id, run_id, n) for n in range(1, 101)))
    await hooks.told(hanging.path, 2)
    await hooks.publish(happened(lively.organization_id, await run_of(hooks), 1))
    await hooks.delivery(lively, "delivered")
    assert len(hooks.endpoint.at(hanging.path)) == 2  # as many as one endpoint may have at a time
    hooks.endpoint.held.pop(hanging.path).set()
    await hooks.told(hanging.path, 100)


async def test_one_organisation_with_many_slow_endpoints_leaves_room_for_the_others(hooks: Subscribing) -> None:
    organization_id = new_id("org")
    slow = [await hooks.subscribe(organization_id) for _ in range(5)]
    release = asyncio.Event()
    hooks.endpoint.held |= {subscription.path: release for subscription in slow}
    run_id, ours = await run_of(hooks), {subscription.path for subscription in slow}
    await hooks.publish(*(happened(organization_id, run_id, n) for n in range(1, 11)))

    async def waiting() -> Any:
        return len([request for request in hooks.endpoint.received if request.path in ours]) == 6

    await eventually(waiting)  # its share, though each of its endpoints might have two
    lively = await hooks.subscribe()
    await hooks.publish(happened(lively.organization_id, await run_of(hooks), 1))
    await hooks.delivery(lively, "delivered")
    assert await waiting()
    for path in ours:
        hooks.endpoint.held.pop(path)
    release.set()
    for subscription in slow:
        await hooks.told(subscription.path, 10)


async def test_an_endpoint_that_asks_for_a_rest_gets_it_from_all_its_messages(hooks: Subscribing) -> None:
    subscription, run_id = await hooks.subscribe(), await run_of(hooks)
    hooks.endpoint.answers[subscription.path] += [429]
    hooks.endpoint.wants_rest[subscription.path] = "600"
    await hooks.publish(happened(subscription.organization_id, run_id, 1))
    deferred = await hooks.delivery(subscription, "pending", error="the endpoint answered 429")
    assert timedelta(seconds=595) < deferred["due_at"] - now() <= timedelta(seconds=900)

    await hooks.publish(happened(subscription.organization_id, run_id, 2))
    await hooks.delivery(subscription, "pending", tries=0)
    other = await hooks.subscribe()
    await hooks.publish(happened(other.organization_id, await run_of(hooks), 1))
    await hooks.delivery(other, "delivered")
    assert len(hooks.endpoint.at(subscription.path)) == 1


async def test_a_try_that_was_cut_short_is_made_again(hooks: Subscribing) -> None:
    subscription, run_id = await hooks.subscribe(), await run_of(hooks)
    hooks.endpoint.answers[subscription.path] += [500]
    await hooks.publish(happened(subscription.organization_id, run_id, 1))
    deferred = await hooks.delivery(subscription, "pending", error="the endpoint answered 500")
    # As whoever claimed it and was killed leaves it: pending, counted, with a lease that is over.
    await hooks.deliveries.update_one({"_id": deferred["_id"]}, {"$inc": {"tries": 1}, "$set": {"due_at": now()}})
    assert (await hooks.delivery(subscription, "delivered"))["tries"] == 3


async def test_an_endpoint_that_is_gone_is_disabled_and_its_contact_told(bench: Bench) -> None:
    hooks, contact = bench.hooks, f"{new_id('ops')}@hera.example"
    subscription = await hooks.subscribe(contact=contact)
    hooks.endpoint.always[subscription.path] = 410
    await hooks.publish(happened(subscription.organization_id, await run_of(hooks), 1))
    await hooks.delivery(subscription, "failed")

    async def disabled() -> Any:
        _, shown = await hooks.get(f"/{subscription.webhook_id}", subscription.organization_id)
        return shown if shown["status"] == "disabled" else None

    shown = await eventually(disabled)
    assert shown["status_reason"] == "the endpoint answered 410: it is gone for good"
    assert shown["events"][0] | {"at": ""} == {
        "type": "webhook_disabled", "at": "", "by": "system", "reason": shown["status_reason"],
    }  # fmt: skip

    async def mailed() -> Any:
        return bench.mailbox.to(contact)

    (mail,) = await eventually(mailed)
    assert f"Webhook:      {subscription.webhook_id}".encode() in mail.content


async def test_an_address_that_was_changed_during_the_call_is_not_blamed_for_the_old_one(hooks: Subscribing) -> None:
    subscription = await hooks.subscribe()
    gone, elsewhere = subscription.path, f"{subscription.path}_anew"
    hooks.endpoint.always[gone], hooks.endpoint.held[gone] = 410, asyncio.Event()
    await hooks.publish(happened(subscription.organization_id, await run_of(hooks), 1))
    await hooks.told(gone)
    change = WebhookChange(url=hooks.endpoint.url(elsewhere))
    assert (await hooks.ask(ChangeWebhook(**about(subscription), change=change))).rejection is None
    hooks.endpoint.held[gone].set()
    await hooks.delivery(subscription, "failed", error="the endpoint answered 410")
    await hooks.publish(happened(subscription.organization_id, await run_of(hooks), 1))
    await hooks.told(elsewhere)
    _, shown = await hooks.get(f"/{subscription.webhook_id}", subscription.organization_id)
    assert (shown["status"], shown["failing_since"]) == ("active", None)


async def test_who_subscribed_is_told_where_no_contact_is_named(bench: Bench) -> None:
    hooks = bench.hooks
    subscription = await hooks.subscribe()
    hooks.endpoint.always[subscription.path] = 410
    await hooks.publish(happened(subscription.organization_id, await run_of(hooks), 1))

    async def mailed() -> Any:
        mails = bench.mailbox.to(f"{CALLER.id}@hera.example")
        return [mail for mail in mails if subscription.webhook_id.encode() in (mail.content or b"")]

    await eventually(mailed)


async def test_days_of_failures_disable_and_what_was_missed_can_be_replayed(hooks: Subscribing) -> None:
    subscription, run_id, began = await hooks.subscribe(), await run_of(hooks), now()
    org = subscription.organization_id
    hooks.endpoint.always[subscription.path] = 500
    await hooks.publish(happened(org, run_id, 1))
    deferred = await hooks.delivery(subscription, "pending", error="the endpoint answered 500")
    long_ago = now() - timedelta(days=5)
    await hooks.webhooks.update_one({"_id": subscription.webhook_id}, {"$set": {"failing_since": long_ago}})
    await hooks.due_now(deferred["_id"])
    await hooks.delivery(subscription, "pending", tries=2, due_at={"$gt": now() + timedelta(seconds=60)})
    _, shown = await hooks.get(f"/{subscription.webhook_id}", org)
    assert shown["status"] == "active"  # who gets few messages may have been well for days

    an_hour_ago = {"since": now() - timedelta(hours=1), "due_at": now()}
    await hooks.deliveries.update_one({"_id": deferred["_id"]}, {"$set": an_hour_ago})
    assert "disabled: every try has failed since" in (await hooks.delivery(subscription, "failed"))["error"]

    await hooks.publish(happened(org, run_id, 2))
    await hooks.delivery(subscription, "failed", error="the webhook was disabled")
    assert len(hooks.endpoint.at(subscription.path)) == 3

    refused = await hooks.ask(ReplayFailedDeliveries(**about(subscription), since=began))
    assert refused.rejection is not None and refused.rejection.code == "INVALID_STATE"
    hooks.endpoint.always.pop(subscription.path)
    enabled = await hooks.ask(EnableWebhook(**about(subscription)))
    assert enabled.result is not None
    assert (enabled.result["status"], enabled.result["failing_since"]) == ("active", None)
    command_id = new_id("cmd")
    replayed = await hooks.ask(ReplayFailedDeliveries(**about(subscription), since=began), command_id)
    assert replayed.result == {"webhook_id": subscription.webhook_id, "replayed": 2}
    assert (await hooks.ask(ReplayFailedDeliveries(**about(subscription), since=began), command_id)).replayed
    for sequence in (1, 2):
        await hooks.delivery(subscription, "delivered", event_id=f"{run_id}:{sequence}")


async def test_one_delivery_is_replayed_under_its_id(hooks: Subscribing) -> None:
    subscription = await hooks.subscribe()
    await hooks.publish(happened(subscription.organization_id, await run_of(hooks), 1))
    sent = await hooks.delivery(subscription, "delivered")
    reply = await hooks.ask(ReplayDelivery(**about(subscription), delivery_id=sent["_id"]))
    assert reply.result is not None and reply.result["status"] == "pending"
    first, second = await hooks.told(subscription.path, 2)
    assert (first.headers["webhook-id"], first.body) == (second.headers["webhook-id"], second.body)
    unknown = await hooks.ask(ReplayDelivery(**about(subscription), delivery_id="msg_none"))
    assert unknown.rejection is not None and unknown.rejection.code == "NOT_FOUND"


async def test_a_paused_one_notes_what_it_misses(hooks: Subscribing) -> None:
    subscription, began = await hooks.subscribe(), now()
    pause = ChangeWebhook(**about(subscription), change=WebhookChange(status="paused"))
    assert (await hooks.ask(pause)).rejection is None
    await hooks.publish(happened(subscription.organization_id, await run_of(hooks), 1))
    await hooks.delivery(subscription, "failed", error="the webhook was paused")
    resume = ChangeWebhook(**about(subscription), change=WebhookChange(status="active"))
    assert (await hooks.ask(resume)).rejection is None
    await hooks.ask(ReplayFailedDeliveries(**about(subscription), since=began))
    await hooks.delivery(subscription, "delivered")


async def test_the_old_secret_signs_for_a_time(hooks: Subscribing) -> None:
    subscription = await hooks.subscribe()
    await hooks.ask(RotateWebhookSecret(**about(subscription), old_valid_seconds=60))
    fresh = await hooks.secret(subscription.organization_id, subscription.webhook_id, 2)
    assert fresh != subscription.secret
    await hooks.publish(happened(subscription.organization_id, await run_of(hooks), 1))
    (request,) = await hooks.told(subscription.path)
    request.verified(fresh)
    request.verified(subscription.secret)

    await hooks.ask(RotateWebhookSecret(**about(subscription), old_valid_seconds=0))
    newest = await hooks.secret(subscription.organization_id, subscription.webhook_id, 3)
    await hooks.publish(happened(subscription.organization_id, await run_of(hooks), 1))
    _, request = await hooks.told(subscription.path, 2)
    request.verified(newest)
    for old in (fresh, subscription.secret):
        with pytest.raises(WebhookVerificationError):
            request.verified(old)


async def test_a_test_is_sent_once_even_to_one_that_is_paused(hooks: Subscribing) -> None:
    subscription = await hooks.subscribe()
    await hooks.ask(ChangeWebhook(**about(subscription), change=WebhookChange(status="paused")))
    hooks.endpoint.answers[subscription.path] += [500]
    reply = await hooks.ask(TestWebhook(**about(subscription)))
    assert reply.result is not None
    await hooks.delivery(subscription, "failed", _id=reply.result["delivery_id"])
    (request,) = await hooks.told(subscription.path)
    assert request.verified(subscription.secret)["type"] == "webhook_test"
    assert (await hooks.webhooks.find_one({"_id": subscription.webhook_id}))["failing_since"] is None


async def test_a_deleted_one_gets_nothing_more(hooks: Subscribing) -> None:
    subscription = await hooks.subscribe()
    witness = await hooks.subscribe(subscription.organization_id)
    assert (await hooks.ask(DeleteWebhook(**about(subscription)))).rejection is None
    await hooks.publish(happened(subscription.organization_id, await run_of(hooks), 1))
    await hooks.told(witness.path)
    assert hooks.endpoint.at(subscription.path) == []
    status, _ = await hooks.get(f"/{subscription.webhook_id}", subscription.organization_id)
    assert status == 404


async def test_a_step_s_reasons_are_told_and_its_values_are_not(hooks: Subscribing) -> None:
    subscription = await hooks.subscribe()
    unmet = [{"condition": {"field": "ssn"}, "reason": "ssn is missing", "actual_value": "078-05-1120"}]
    step = {"step_id": "step_001", "sequence": 1, "step_name": "Intake", "unmet": unmet}
    await hooks.publish(happened(subscription.organization_id, await run_of(hooks), 1, StepBlocked, **step))
    (request,) = await hooks.told(subscription.path)
    assert json.loads(request.body)["data"]["details"]["unmet_conditions"] == ["ssn is missing"]
    assert "078-05-1120" not in request.body


async def test_claims_and_lists_are_served_by_indexes(hooks: Subscribing) -> None:
    database = hooks.deliveries.database
    asked: list[dict[str, Any]] = [
        {"find": DELIVERIES, "filter": {"status": "pending", "webhook_id": "w", "due_at": {"$lte": now()}},
         "sort": {"due_at": 1}},
        {"find": DELIVERIES, "filter": {"status": "pending"}, "sort": {"created_at": 1}},
        {"find": DELIVERIES, "filter": {"organization_id": "o", "webhook_id": "w", "status": "failed"},
         "sort": {"created_at": -1, "_id": -1}},
        {"find": DELIVERIES, "filter": {"organization_id": "o", "webhook_id": "w"},
         "sort": {"created_at": -1, "_id": -1}},
        {"find": WEBHOOKS, "filter": {"organization_id": "o", "status": "paused"},
         "sort": {"created_at": -1, "_id": -1}},
        {"find": WEBHOOKS, "filter": {"status": {"$in": ["active", "paused", "disabled"]}}},
    ]  # fmt: skip
    for command in asked:
        plan = str((await database.command("explain", command))["queryPlanner"]["winningPlan"])
        assert "IXSCAN" in plan and "COLLSCAN" not in plan and "'SORT'" not in plan, command
    turns = {"distinct": DELIVERIES, "key": "webhook_id", "query": {"status": "pending"}}
    plan = str((await database.command("explain", turns))["queryPlanner"]["winningPlan"])
    assert "DISTINCT_SCAN" in plan


async def test_a_run_that_the_engine_does_not_know_is_told_without_its_playbook(hooks: Subscribing) -> None:
    subscription = await hooks.subscribe()
    picky = await hooks.subscribe(subscription.organization_id, playbook_ids=["pb_1"])
    await hooks.publish(happened(subscription.organization_id, new_id("run"), 1))
    (request,) = await hooks.told(subscription.path)
    assert json.loads(request.body)["data"]["playbook_id"] is None
    assert await hooks.deliveries.count_documents({"webhook_id": picky.webhook_id}) == 0


async def test_a_surprise_is_a_failed_try_and_comes_to_an_end(hooks: Subscribing) -> None:
    subscription = await hooks.subscribe()
    spoilt = [{"version": 1, "value": "whsec_", "valid_until": None}]
    await hooks.webhooks.update_one({"_id": subscription.webhook_id}, {"$set": {"secrets": spoilt}})
    await hooks.publish(happened(subscription.organization_id, await run_of(hooks), 1))
    deferred = await hooks.delivery(subscription, "pending", error={"$ne": None})
    assert deferred["error"] == "unexpected EmptyWebhookSecretError in the notifier"
    assert hooks.endpoint.at(subscription.path) == []
