"""From an event of a run to an e-mail, and from the e-mail to the run's timeline."""

from datetime import timedelta
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from pydantic import SecretStr

from contracts.events import (
    DataUpdated,
    RunCompleted,
    RunCreated,
    StepAssigned,
    StepEscalated,
    StepOverdue,
    StepStarted,
)
from contracts.organization_documents import OrganizationDocumentChanged, document_key
from contracts.topics import POLICY_EVENTS, RUN_EVENTS
from contracts.values import rfc3339
from services.notifier.domain.mail import Mail
from services.notifier.domain.notices import Notice
from services.notifier.smtp import Deferred, MailServer
from services.notifier.store import Delivery, NoticeStore
from shared.clock import now
from shared.ids import new_id
from shared.messages import OutgoingMessage, event_message
from shared.mongo import Mongo
from tests.infrastructure import Infrastructure
from tests.integration.notifier.conftest import Bench, event, notifier_settings
from tests.integration.running import eventually

DAY = timedelta(days=1)
CREATED: dict[str, Any] = {
    "organization_id": "org_mail", "smart_code": None, "context": {}, "initial_data": {}, "metadata": {},
    "priority": "normal", "steps": [],
    "playbook": {"playbook_id": "pb_1", "revision": 1, "name": "Onboarding", "version": "1.0.0", "smart_code": "x"},
}  # fmt: skip


def name_of(run_id: str, sequence: int, user: str) -> str:
    return f"{run_id}:{sequence}:email:{user}@hera.example"


async def delivery(bench: Bench, delivery_id: str, status: str) -> dict[str, Any]:
    async def there() -> Any:
        return await bench.deliveries.find_one({"_id": delivery_id, "status": status})

    found: dict[str, Any] = await eventually(there)
    return found


async def test_the_assignee_gets_a_mail_and_the_run_hears_that_it_went_out(bench: Bench) -> None:
    run_id, user = new_id("run"), new_id("user")
    await bench.publish(event(run_id, 2, StepStarted, assigned_to=user, due_at=now() + timedelta(hours=4)))

    command = await bench.recorded(run_id)
    (mail,) = bench.mailbox.to(f"{user}@hera.example")
    assert mail.mail_from == "hera@hera.example"
    assert b"Assigned to you: Qualification Review" in (mail.content or b"")
    assert command["type"] == "RecordNotification"
    assert (command["organization_id"], command["correlation_id"]) == ("org_mail", "req_1")
    told = {name: command["data"][name] for name in ("recipient", "notification_type", "channel", "step_id")}
    assert told == {
        "recipient": user, "notification_type": "step_assignment", "channel": "email", "step_id": "step_002",
    }  # fmt: skip


async def test_an_event_that_comes_twice_is_told_once(bench: Bench) -> None:
    run_id, user = new_id("run"), new_id("user")
    message = event(run_id, 2, StepStarted, assigned_to=user)
    await bench.publish(message, message)
    await delivery(bench, name_of(run_id, 2, user), "sent")
    await bench.publish(message, event(run_id, 3, StepAssigned, assigned_to=user))
    await delivery(bench, name_of(run_id, 3, user), "sent")
    assert len(bench.mailbox.to(f"{user}@hera.example")) == 2


async def test_overdue_and_escalated_steps_are_told_to_who_has_them(bench: Bench) -> None:
    run_id, first, second = new_id("run"), new_id("user"), new_id("user")
    await bench.publish(event(run_id, 2, StepStarted, assigned_to=first))
    await delivery(bench, name_of(run_id, 2, first), "sent")
    given = {"assigned_to": second}
    await bench.publish(
        event(run_id, 3, StepAssigned, assigned_to=second),
        event(run_id, 4, StepOverdue, due_at=now(), timer_id="overdue:step_002:1", open_to=given),
        event(run_id, 5, StepEscalated, roles_added=["cfo"], open_to=given),
    )
    await delivery(bench, name_of(run_id, 5, second), "sent")
    await delivery(bench, name_of(run_id, 4, second), "sent")
    subjects = [line for mail in bench.mailbox.to(f"{second}@hera.example") for line in subject_lines(mail.content)]
    assert sorted(subjects) == [
        b"Subject: Assigned to you: Qualification Review", b"Subject: Escalated: Qualification Review",
        b"Subject: Overdue: Qualification Review",
    ]  # fmt: skip


def subject_lines(content: Any) -> list[bytes]:
    return [line for line in content.splitlines() if line.startswith(b"Subject: ")]


async def put(bench: Bench, kind: str, content: dict[str, Any], name: str = "", **more: Any) -> None:
    """Returns once the notifier knows it."""
    changed = OrganizationDocumentChanged.model_validate(
        {"at": now(), "actor": {"id": "admin"}, "kind": kind, "name": name, "revision": 1, "content": content} | more
    )
    key = document_key("org_mail", kind, name)
    message, _ = event_message(
        POLICY_EVENTS.name, key, changed, sequence=changed.revision, previous_hash=None, organization_id="org_mail",
        correlation_id="req_1", causation_id="cmd_1", time=now(),
    )  # fmt: skip
    await bench.publish(message)
    documents = bench.service.mongo.collection("organization_documents")
    await eventually(lambda: documents.find_one({"_id": key, "revision": changed.revision}))


async def test_holders_of_a_role_and_who_stands_in_for_them_get_a_mail_each(bench: Bench) -> None:
    role, ann, bob, sue = (new_id(name) for name in ("role", "ann", "bob", "sue"))
    contacts = [ann, f"{bob}@hera.example"]
    await put(bench, "notifications", {"role_contacts": [{"role": role, "contacts": contacts}]})
    lent = {"delegator": ann, "substitute": sue, "starts_at": rfc3339(now()), "ends_at": rfc3339(now() + DAY)}
    await put(bench, "delegation", lent, new_id("del"), ends_at=now() + DAY)

    run_id = new_id("run")
    started = event(run_id, 2, StepStarted, assignee_roles=[role])
    await bench.publish(started, started)
    told = await bench.commands.find(lambda d: d["key"] == run_id, count=3)
    assert sorted((command["data"]["recipient"], command["data"]["on_behalf_of"] or "") for command in told) == sorted(
        [(ann, ""), (f"{bob}@hera.example", ""), (sue, ann)]
    )
    assert len({command["id"] for command in told}) == 3
    for user in (ann, bob, sue):
        *_, mail = bench.mailbox.to(f"{user}@hera.example")
        whom = ann if user == sue else f"role {role}"
        # A long line of a header goes on in the next one.
        content = mail.content
        assert isinstance(content, bytes)
        assert f"Open to {whom}: Qualification Review".encode() in content.replace(b"\r\n ", b" ")

    await put(bench, "notifications", {"role_contacts": []}, revision=2)
    quiet, marker = new_id("run"), new_id("run")
    await bench.publish(event(quiet, 2, StepStarted, assignee_roles=[role]))
    await bench.publish(event(marker, 2, StepStarted, assigned_to=new_id("user")))
    await bench.recorded(marker)
    assert await bench.deliveries.count_documents({"notice.run_id": quiet}) == 0


async def test_a_substitute_is_told_when_the_delegation_begins_and_not_of_one_that_was_revoked_before(
    bench: Bench,
) -> None:
    ann, sue, tom, later = (new_id(name) for name in ("ann", "sue", "tom", "del"))
    ahead = {"delegator": ann, "starts_at": rfc3339(now() + DAY), "ends_at": rfc3339(now() + 2 * DAY)}
    at_once = {"delegator": ann, "starts_at": rfc3339(now()), "ends_at": rfc3339(now() + DAY), "reason": "leave"}
    await put(bench, "delegation", {**ahead, "substitute": tom}, later)
    own = {**at_once, "substitute": tom}
    await put(bench, "delegation", own, new_id("del"), actor={"id": tom})
    over = {**own, "ends_at": rfc3339(now() - DAY), "starts_at": rfc3339(now() - 2 * DAY)}
    await put(bench, "delegation", over, new_id("del"), at=now() - 2 * DAY)
    name = new_id("del")
    for _ in range(2):
        await put(bench, "delegation", {**at_once, "substitute": sue, "roles": ["clerk"]}, name)
    assert (await delivery(bench, f"{name}:email", "sent"))["notice"]["type"] == "delegation"
    (mail,) = bench.mailbox.to(f"{sue}@hera.example")
    content = mail.content
    assert isinstance(content, bytes)
    assert f"Subject: You stand in for {ann}".encode() in content
    for line in (f"In place of:  {ann}", f"Until:        {at_once['ends_at']}", "As:           clerk"):
        assert line.encode() in content

    waiting = await delivery(bench, f"{later}:email", "pending")
    assert rfc3339(waiting["due_at"]) == ahead["starts_at"]
    ended = {**ahead, "substitute": tom, "ends_at": rfc3339(now() - timedelta(seconds=1))}
    await put(bench, "delegation", ended, later, revision=2)

    async def withdrawn() -> bool:
        return await bench.deliveries.find_one({"_id": f"{later}:email"}) is None

    await eventually(withdrawn)
    assert await bench.deliveries.count_documents({"notice.recipient": tom}) == 0


async def test_a_document_that_is_none_is_parked_and_the_others_are_followed(bench: Bench) -> None:
    role, user, run_id = new_id("role"), new_id("user"), new_id("run")
    await bench.publish(OutgoingMessage(POLICY_EVENTS.name, "org_mail:x", b"no document", "x"))
    known = {"role_contacts": [{"role": role, "contacts": [user]}]}
    await put(bench, "notifications", known, revision=3)
    await bench.publish(event(run_id, 2, StepStarted, assignee_roles=[role]))
    assert (await bench.recorded(run_id))["data"]["recipient"] == user
    await bench.parked_documents.find(lambda d: "is not JSON" in d["reason"])


async def test_a_server_that_is_busy_is_asked_again(bench: Bench) -> None:
    run_id, user = new_id("run"), new_id("user")
    bench.mailbox.refusals[f"{user}@hera.example"] = ["451 try later"]
    await bench.publish(event(run_id, 2, StepStarted, assigned_to=user))

    async def deferred() -> Any:
        return await bench.deliveries.find_one({"_id": name_of(run_id, 2, user), "reason": {"$regex": "451"}})

    waiting = await eventually(deferred)
    assert waiting["status"] == "pending"
    assert not [d for d in await bench.commands.seen() if d["key"] == run_id]
    await bench.deliveries.update_one({"_id": waiting["_id"]}, {"$set": {"due_at": now()}})
    await bench.recorded(run_id)
    assert (await delivery(bench, waiting["_id"], "sent"))["tries"] == 2


async def test_a_mailbox_that_does_not_exist_is_given_up_and_the_run_hears_that_nobody_was_told(bench: Bench) -> None:
    run_id, user = new_id("run"), new_id("user")
    bench.mailbox.refusals[f"{user}@hera.example"] = ["550 no such user"]
    await bench.publish(event(run_id, 2, StepStarted, assigned_to=user))
    failed = await delivery(bench, name_of(run_id, 2, user), "failed")
    assert "550" in failed["reason"]
    command = await bench.recorded(run_id)
    assert (command["type"], command["data"]["recipient"]) == ("RecordNotification", user)
    assert "550 no such user" in command["data"]["failure"]


async def test_a_surprise_is_a_failed_try_and_comes_to_an_end(bench: Bench) -> None:
    """What can't be written as a mail is tried for a day as any other, and then the run hears that nobody was told."""
    server = MailServer(SecretStr(bench.mailbox.settings["NOTIFIER_SMTP_URL"]), "hera@hera.example", 30)
    with pytest.raises(Deferred, match="unexpected UnicodeEncodeError in the notifier"):
        await server.send("d_1", Mail("ann@hera.example", "=?utf-8?b?//?=😀", "text"))


async def test_a_user_id_that_makes_no_address_is_given_up(bench: Bench) -> None:
    run_id = new_id("run")
    await bench.publish(event(run_id, 2, StepStarted, assigned_to="two words"))
    await delivery(bench, f"{run_id}:2:email:two words", "failed")


async def test_a_mail_that_was_accepted_before_a_crash_is_recorded_and_not_sent_again(bench: Bench) -> None:
    run_id, user = new_id("run"), new_id("user")
    bench.mailbox.refusals[f"{user}@hera.example"] = ["550 must not be asked"]
    notice = {
        "run_id": run_id, "sequence": 2, "organization_id": "org_mail", "recipient": user, "type": "step_assignment",
        "step_id": "step_002", "step_name": "Review", "due_at": None, "reason": None,
    }  # fmt: skip
    await bench.deliveries.insert_one(
        {
            "_id": name_of(run_id, 2, user),
            "notice": notice,
            "status": "accepted",
            "tries": 1,
            "due_at": now(),
            "created_at": now(),
            "correlation_id": "req_1",
            "causation_id": f"{run_id}:2",
            "traceparent": None,
        }
    )
    await bench.recorded(run_id)
    await delivery(bench, name_of(run_id, 2, user), "sent")
    assert bench.mailbox.to(f"{user}@hera.example") == []


async def test_what_is_long_past_is_not_told(bench: Bench) -> None:
    old, fresh = new_id("run"), new_id("run")
    await bench.publish(event(old, 2, StepStarted, at=now() - timedelta(days=2), assigned_to="ann"))
    await bench.publish(event(fresh, 2, StepStarted, assigned_to=new_id("user")))
    await bench.recorded(fresh)

    async def passed() -> bool:
        run_events = [c for c in bench.service.consumers.consumptions if c.topic is RUN_EVENTS]
        return not any((await run_events[0].lag()).values())

    await eventually(passed)
    assert await bench.deliveries.find_one({"notice.run_id": old}) is None


async def test_headers_of_foreign_producers_stop_nothing(bench: Bench) -> None:
    good, user = new_id("run"), new_id("user")
    told = event(good, 2, StepStarted, assigned_to=user)
    producer = AIOKafkaProducer(bootstrap_servers=bench.service.settings.kafka_bootstrap_servers)
    await producer.start()
    headers: list[Any] = [None, [("type", None)], [("type", b"\xff\xfe")], [("x", b"\xff")], [("type", b"Nonsense")]]
    for number, wanted in enumerate(headers):
        await producer.send_and_wait(RUN_EVENTS.name, b"no event %d" % number, headers=wanted)
    await producer.send_and_wait(RUN_EVENTS.name, told.value, key=good.encode(), headers=[("type", None)])
    await producer.send_and_wait(RUN_EVENTS.name, b"skipped unread", headers=[("type", b"DataUpdated")])
    await producer.stop()

    await bench.recorded(good)
    await bench.parked.find(lambda d: "is not JSON" in d["reason"], count=len(headers))


async def test_events_that_tell_nobody_anything_leave_no_trace(bench: Bench) -> None:
    quiet, marker = new_id("run"), new_id("run")
    changed = event(quiet, 2, DataUpdated, data={}, fields_updated=[], update_type="manual")
    await bench.publish(changed, event(quiet, 3, StepStarted), event(marker, 2, StepStarted, assigned_to="ann"))
    await delivery(bench, name_of(marker, 2, "ann"), "sent")
    assert await bench.deliveries.count_documents({"notice.run_id": quiet}) == 0


async def test_who_started_a_run_gets_a_mail_when_it_ends(bench: Bench) -> None:
    run_id, user = new_id("run"), new_id("user")
    created = {**CREATED, "run_id": run_id, "actor": {"id": user}}
    ended = {"outcome": "success", "duration_minutes": 3, "actor": {"id": "somebody_else"}}
    await bench.publish(event(run_id, 1, RunCreated, **created), event(run_id, 9, RunCompleted, **ended))
    await delivery(bench, name_of(run_id, 9, user), "sent")
    (mail,) = bench.mailbox.to(f"{user}@hera.example")
    content = mail.content or b""
    assert isinstance(content, bytes)
    assert b"Subject: Completed: Onboarding" in content
    assert b"Outcome:      success" in content
    assert (await bench.recorded(run_id))["data"]["notification_type"] == "run_completed"


async def test_the_many_mails_of_one_organisation_delay_no_other(infrastructure: Infrastructure) -> None:
    mongo = Mongo(notifier_settings(infrastructure), "notifier")
    store, at = NoticeStore(mongo, kept=DAY, lease=DAY), now()
    owners = ["org_a"] * 4 + ["org_b", "org_c"]
    await store.add([
        Delivery(str(n), Notice("run_1", n, owner, "ann", "step_offer"), "pending", 0, at, "req_1", "cmd_1", None)
        for n, owner in enumerate(owners)
    ])  # fmt: skip
    claimed = [await store.claim(now()) for _ in range(len(owners) + 1)]
    assert [d.notice.organization_id if d else None for d in claimed[:3]] == ["org_a", "org_b", "org_c"]
    assert sorted(d.delivery_id for d in claimed if d) == [str(n) for n in range(len(owners))]
    assert claimed[-1] is None
    database = mongo.collection("any").database
    await database.client.drop_database(database.name)
    await mongo.close()


async def test_a_mail_names_the_playbook_also_where_no_person_started_the_run(bench: Bench) -> None:
    run_id, user = new_id("run"), new_id("user")
    created = {**CREATED, "run_id": run_id, "actor": {"id": "importer", "type": "service"}}
    await bench.publish(event(run_id, 1, RunCreated, **created), event(run_id, 2, StepStarted, assigned_to=user))
    await delivery(bench, name_of(run_id, 2, user), "sent")
    (mail,) = bench.mailbox.to(f"{user}@hera.example")
    assert b"Playbook:     Onboarding" in (mail.content or b"")
