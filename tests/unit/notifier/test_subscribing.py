"""Given a subscription, when a command comes, then this is what it becomes, or why not."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contracts.rejections import Rejection
from contracts.values import Caller
from contracts.webhooks import (
    ChangeWebhook,
    CreateWebhook,
    DeleteWebhook,
    EnableWebhook,
    ReplayDelivery,
    ReplayFailedDeliveries,
    RotateWebhookSecret,
    TestWebhook,
    WebhookChange,
    WebhookCommand,
    WebhookDraft,
)
from services.notifier.domain.subscribing import By, Changed, changed, created, disabled
from services.notifier.domain.webhooks import Webhook, history, view

NOON = datetime(2024, 1, 15, 12, tzinfo=UTC)
LATER = NOON + timedelta(hours=1)
WHOSE: dict[str, Any] = {"caller": Caller(id="ops"), "organization_id": "org_1", "webhook_id": "wh_1"}


def by(at: datetime = LATER, secret: str = "whsec_second") -> By:
    return By(at, "ops", secret)


def given(**draft: Any) -> Webhook:
    wanted = {"url": "https://a.example/x", "event_types": ["run_completed"], **draft}
    outcome = created(CreateWebhook(**WHOSE, draft=WebhookDraft(**wanted)), 0, 50, by(NOON, "whsec_first"))
    assert isinstance(outcome, Changed)
    return outcome.webhook


def when(webhook: Webhook | None, command: WebhookCommand, by: By = by()) -> Webhook:  # noqa: B008
    outcome = changed(webhook, command, by)
    assert isinstance(outcome, Changed), outcome
    assert outcome.webhook.written == (webhook.written if webhook else 0) + 1
    return outcome.webhook


def signing(webhook: Webhook, at: datetime) -> list[str]:
    return [secret.value for secret in webhook.signing(at)]


def refused(webhook: Webhook | None, command: WebhookCommand) -> tuple[str, dict[str, Any]]:
    outcome = changed(webhook, command, by())
    assert isinstance(outcome, Rejection)
    return outcome.code, outcome.details


def test_a_new_one_is_active_and_its_secret_is_never_shown() -> None:
    webhook = given(event_types=["run_failed", "run_failed"], playbook_ids=["pb_1"])
    assert (webhook.status, webhook.event_types, signing(webhook, NOON)) == ("active", ("run_failed",), ["whsec_first"])
    assert "whsec_" not in str(view(webhook, NOON)) + str(history(webhook))


def test_there_are_so_many_and_no_more() -> None:
    draft = WebhookDraft(url="https://a.example", event_types=["*"])
    outcome = created(CreateWebhook(**WHOSE, draft=draft), 50, 50, by())
    assert isinstance(outcome, Rejection)
    assert (outcome.code, outcome.details["limit"]) == ("CONFLICT", 50)


@pytest.mark.parametrize(
    ("event_types", "playbook_ids", "wanted"),
    [
        (["*"], [], True),
        (["run_completed"], ["pb_1"], True),
        (["run_failed"], [], False),
        (["*"], ["pb_2"], False),
    ],
)
def test_wants_its_types_of_its_playbooks(event_types: list[str], playbook_ids: list[str], wanted: bool) -> None:
    webhook = given(event_types=event_types, playbook_ids=playbook_ids)
    assert webhook.wants("run_completed", "pb_1") is wanted


def test_one_that_names_playbooks_wants_no_run_of_an_unknown_one() -> None:
    assert not given(playbook_ids=["pb_1"]).wants("run_completed", None)


def test_a_change_leaves_what_it_does_not_name() -> None:
    before = given(contact="a@b.example", description="desk")
    after = when(before, ChangeWebhook(**WHOSE, change=WebhookChange(url="https://b.example")))
    assert (after.url, after.description, after.contact) == ("https://b.example", "desk", "a@b.example")
    assert (after.updated_at, after.updated_by, after.created_at) == (LATER, "ops", NOON)
    assert when(before, ChangeWebhook(**WHOSE, change=WebhookChange(contact=None))).contact is None


@pytest.mark.parametrize(
    "change", [{}, {"url": None}, {"url": "https://a.example/x", "event_types": ["run_completed"]}]
)
def test_a_change_of_nothing_makes_no_revision(change: dict[str, Any]) -> None:
    before = given()
    after = when(before, ChangeWebhook(**WHOSE, change=WebhookChange(**change)))
    assert (after.etag, after.updated_at, history(after)) == (before.etag, NOON, history(before))
    again = when(after, ChangeWebhook(**WHOSE, change=WebhookChange(url="https://a.example/x", description="desk")))
    assert (again.etag, history(again)[0]["reason"]) == ('"2"', "description")


def test_a_test_or_replay_is_no_change_to_its_owner() -> None:
    webhook = given()
    for command in (TestWebhook(**WHOSE), ReplayDelivery(**WHOSE, delivery_id="msg_1")):
        webhook = when(webhook, command)
    assert webhook.etag == '"1"'


def test_pauses_and_goes_on() -> None:
    paused = when(given(), ChangeWebhook(**WHOSE, change=WebhookChange(status="paused")))
    assert (paused.status, paused.status_reason) == ("paused", "paused by hand")
    resumed = when(paused, ChangeWebhook(**WHOSE, change=WebhookChange(status="active")))
    assert (resumed.status, resumed.status_reason) == ("active", None)


@pytest.mark.parametrize(
    ("change", "since"), [({"url": "https://b.example"}, None), ({"status": "active"}, None), ({"contact": None}, NOON)]
)
def test_another_address_or_a_pause_that_ends_is_not_blamed_for_what_failed_before(
    change: dict[str, Any], since: datetime | None
) -> None:
    failing = given(contact="a@b.example").model_copy(update={"failing_since": NOON})
    paused = when(failing, ChangeWebhook(**WHOSE, change=WebhookChange(status="paused")))
    before = paused.model_copy(update={"failing_since": NOON}) if "status" in change else failing
    assert when(before, ChangeWebhook(**WHOSE, change=WebhookChange(**change))).failing_since == since


def test_the_revision_is_shown_that_the_etag_has() -> None:
    after = when(given(), ChangeWebhook(**WHOSE, change=WebhookChange(description="desk")))
    assert (view(after, LATER)["revision"], after.etag) == (2, '"2"')


def test_a_disabled_one_is_enabled_by_hand_only() -> None:
    broken = disabled(given().model_copy(update={"failing_since": NOON}), "the endpoint answered 410", LATER)
    code, details = refused(broken, ChangeWebhook(**WHOSE, change=WebhookChange(status="active")))
    assert (code, details["allowed"]) == ("INVALID_STATE", ["enable"])
    mended = when(broken, ChangeWebhook(**WHOSE, change=WebhookChange(url="https://b.example")))
    assert (mended.status, mended.status_reason) == ("disabled", "the endpoint answered 410")
    enabled = when(mended, EnableWebhook(**WHOSE))
    assert (enabled.status, enabled.status_reason, enabled.failing_since) == ("active", None, None)
    assert [note["type"] for note in history(enabled)] == [
        "webhook_enabled", "webhook_changed", "webhook_disabled", "webhook_created",
    ]  # fmt: skip


def test_both_secrets_sign_until_the_old_one_is_over() -> None:
    rotated = when(given(), RotateWebhookSecret(**WHOSE, old_valid_seconds=60))
    assert signing(rotated, LATER) == ["whsec_second", "whsec_first"]
    assert [secret["version"] for secret in view(rotated, LATER)["old_secrets"]] == [1]
    assert signing(rotated, LATER + timedelta(seconds=60)) == ["whsec_second"]
    assert view(rotated, LATER + timedelta(seconds=60))["old_secrets"] == []


def test_a_secret_that_leaked_is_cut_off_at_once() -> None:
    twice = when(given(), RotateWebhookSecret(**WHOSE, old_valid_seconds=3600))
    twice = when(twice, RotateWebhookSecret(**WHOSE, old_valid_seconds=0), by(LATER, "whsec_third"))
    assert signing(twice, LATER) == ["whsec_third"]
    assert view(twice, LATER)["secret_version"] == 3


def test_however_often_it_is_rotated_few_sign() -> None:
    webhook = given()
    for number in range(20):
        webhook = when(webhook, RotateWebhookSecret(**WHOSE), by(LATER, f"whsec_{number}"))
    assert len(signing(webhook, LATER)) == 5


@pytest.mark.parametrize("status", ["paused", "disabled"])
def test_nothing_is_replayed_to_one_that_is_not_active(status: str) -> None:
    webhook = given().model_copy(update={"status": status, "status_reason": "why"})
    for command in (ReplayDelivery(**WHOSE, delivery_id="msg_1"), ReplayFailedDeliveries(**WHOSE, since=NOON)):
        code, details = refused(webhook, command)
        assert (code, details["current_status"]) == ("INVALID_STATE", status)


COMMANDS: list[WebhookCommand] = [
    ChangeWebhook(**WHOSE, change=WebhookChange()), DeleteWebhook(**WHOSE), EnableWebhook(**WHOSE),
    RotateWebhookSecret(**WHOSE), TestWebhook(**WHOSE), ReplayDelivery(**WHOSE, delivery_id="msg_1"),
    ReplayFailedDeliveries(**WHOSE, since=NOON),
]  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: type(command).__name__)
def test_one_that_is_not_there_takes_no_command(command: WebhookCommand) -> None:
    gone = when(given(), DeleteWebhook(**WHOSE))
    assert gone.secrets == ()
    assert refused(gone, command) == refused(None, command)
    assert refused(None, command)[0] == "NOT_FOUND"


def test_it_fails_too_long_when_every_try_has_failed_for_so_long() -> None:
    failing = given().model_copy(update={"failing_since": NOON})
    assert not failing.fails_too_long(NOON + timedelta(days=4), timedelta(days=5))
    assert failing.fails_too_long(NOON + timedelta(days=5), timedelta(days=5))
    assert not given().fails_too_long(NOON + timedelta(days=500), timedelta(days=5))
