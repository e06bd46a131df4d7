"""Commands to subscriptions: each taken once, and seen by who reads after the answer."""

from datetime import timedelta

import pytest

from contracts.replies import Reply
from contracts.webhooks import ChangeWebhook, DeleteWebhook, TestWebhook, WebhookChange
from shared.clock import now
from shared.ids import new_id
from tests.integration.notifier.subscribing import CALLER, Subscribing, create


def code_of(reply: Reply) -> str | None:
    return reply.rejection.code if reply.rejection else None


async def test_the_answer_shows_all_but_the_secret_and_a_read_after_it_shows_the_same(hooks: Subscribing) -> None:
    organization_id, webhook_id = new_id("org"), new_id("wh")
    draft = {"url": "https://hooks.example.com/a?b=c", "event_types": ["run_completed"], "contact": "a@b.example"}
    reply = await hooks.ask(create(organization_id, webhook_id, **draft))
    assert reply.result is not None
    secret = await hooks.secret(organization_id, webhook_id, 1)
    assert secret.startswith("whsec_") and secret not in str(reply)
    status, shown = await hooks.get(f"/{webhook_id}", organization_id)
    assert status == 200
    assert {name: shown[name] for name in reply.result} == reply.result
    assert {name: shown[name] for name in draft} == draft
    assert [event["type"] for event in shown["events"]] == ["webhook_created"]
    assert secret not in str(shown)
    _, page = await hooks.get("", organization_id)
    assert [webhook["webhook_id"] for webhook in page["webhooks"]] == [webhook_id]


async def test_the_same_command_is_taken_once_and_another_body_under_its_key_is_refused(hooks: Subscribing) -> None:
    organization_id, webhook_id, command_id = new_id("org"), new_id("wh"), new_id("cmd")
    command = create(organization_id, webhook_id, url="https://hooks.example.com", event_types=["*"])
    first = await hooks.ask(command, command_id, "one")
    secret = await hooks.secret(organization_id, webhook_id, 1)
    again = await hooks.ask(command, command_id, "one")
    assert (again.result, again.replayed) == (first.result, True)
    assert await hooks.secret(organization_id, webhook_id, 1) == secret
    assert code_of(await hooks.ask(command, command_id, "two")) == "IDEMPOTENCY_CONFLICT"


async def test_another_organisation_finds_nothing(hooks: Subscribing) -> None:
    ours, theirs = await hooks.subscribe(), new_id("org")
    for path in ("", "/deliveries", "/secrets/1"):
        status, error = await hooks.get(f"/{ours.webhook_id}{path}", theirs)
        assert (status, error["code"]) == (404, "NOT_FOUND")
    unknown = DeleteWebhook(caller=CALLER, organization_id=theirs, webhook_id=ours.webhook_id)
    assert code_of(await hooks.ask(unknown)) == "NOT_FOUND"
    assert (await hooks.get("", theirs))[1]["webhooks"] == []
    assert (await hooks.get(f"/{ours.webhook_id}", ours.organization_id))[0] == 200


@pytest.mark.parametrize("host", ["10.0.0.1", "169.254.169.254", "192.168.1.1:8080"])
async def test_an_address_inside_is_refused_at_once(hooks: Subscribing, host: str) -> None:
    reply = await hooks.ask(create(new_id("org"), new_id("wh"), url=f"https://{host}/x", event_types=["*"]))
    assert reply.rejection is not None
    assert (reply.rejection.code, reply.rejection.details["field"]) == ("VALIDATION_ERROR", "webhook.url")


async def test_a_refusal_can_be_looked_up(hooks: Subscribing) -> None:
    organization_id, webhook_id, command_id = new_id("org"), new_id("wh"), new_id("cmd")
    await hooks.ask(TestWebhook(caller=CALLER, organization_id=organization_id, webhook_id=webhook_id), command_id)
    _, found = await hooks.get(f"/{webhook_id}/commands/{command_id}", organization_id)
    assert found["reply"]["rejection"]["code"] == "NOT_FOUND"


async def test_a_change_needs_the_etag_that_it_names(hooks: Subscribing) -> None:
    subscription = await hooks.subscribe()
    about = {"caller": CALLER, "organization_id": subscription.organization_id, "webhook_id": subscription.webhook_id}
    change = WebhookChange(description="for the desk")
    assert code_of(await hooks.ask(ChangeWebhook(**about, change=change, if_match='"7"'))) == "CONFLICT"
    changed = await hooks.ask(ChangeWebhook(**about, change=change, if_match='"1"'))
    assert changed.result is not None and changed.result["description"] == "for the desk"


async def test_an_organisation_has_so_many_and_no_more(hooks: Subscribing) -> None:
    organization_id = new_id("org")
    for _ in range(50):
        await hooks.subscribe(organization_id)
    reply = await hooks.ask(create(organization_id, new_id("wh"), url="https://a.example", event_types=["*"]))
    assert reply.rejection is not None
    assert (reply.rejection.code, reply.rejection.details["limit"]) == ("CONFLICT", 50)


async def test_lists_page_and_filter(hooks: Subscribing) -> None:
    organization_id = new_id("org")
    made = [(await hooks.subscribe(organization_id)).webhook_id for _ in range(3)]
    pause = ChangeWebhook(
        caller=CALLER, organization_id=organization_id, webhook_id=made[1], change=WebhookChange(status="paused")
    )
    await hooks.ask(pause)
    _, first = await hooks.get("", organization_id, limit=2)
    _, second = await hooks.get("", organization_id, limit=2, cursor=first["next"])
    assert [w["webhook_id"] for w in first["webhooks"] + second["webhooks"]] == made[::-1]
    assert (first["total"], second["next"]) == (3, None)
    _, paused = await hooks.get("", organization_id, status="paused")
    assert [w["webhook_id"] for w in paused["webhooks"]] == [made[1]]


async def test_deliveries_page_and_filter(hooks: Subscribing) -> None:
    subscription = await hooks.subscribe()
    about = {"caller": CALLER, "organization_id": subscription.organization_id, "webhook_id": subscription.webhook_id}
    hooks.endpoint.answers[subscription.path] += [500]
    sent = []
    for _ in range(3):
        reply = await hooks.ask(TestWebhook(**about))
        assert reply.result is not None
        sent.append(reply.result["delivery_id"])
        await hooks.delivery(subscription, "delivered" if len(sent) > 1 else "failed", _id=sent[-1])
    path, org = f"/{subscription.webhook_id}/deliveries", subscription.organization_id
    _, first = await hooks.get(path, org, limit=2)
    _, second = await hooks.get(path, org, limit=2, cursor=first["next"])
    assert [d["delivery_id"] for d in first["deliveries"] + second["deliveries"]] == sent[::-1]
    _, failed = await hooks.get(path, org, status="failed")
    (shown,) = failed["deliveries"]
    assert (shown["delivery_id"], shown["last_status_code"], shown["error"]) == (
        sent[0], 500, "the endpoint answered 500",
    )  # fmt: skip
    assert shown["created_at"] > (now() - timedelta(minutes=5)).isoformat()[:16]
