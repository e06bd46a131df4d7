"""What is kept of a webhook's secret."""

from datetime import UTC, datetime, timedelta

import pytest

from services.notifier.domain.webhooks import Secret, Webhook
from services.notifier.webhooks.secrets import Secrets
from shared.cipher import BrokenSeal, new_key
from shared.keyring import Keyring

NOON = datetime(2024, 1, 15, 12, tzinfo=UTC)
OLD, NEW = new_key(), new_key()
BEFORE, MEANWHILE, AFTER = Keyring({"old": OLD}), Keyring({"new": NEW, "old": OLD}), Keyring({"new": NEW})


def webhook(*secrets: Secret) -> Webhook:
    return Webhook(
        webhook_id="wh_1", organization_id="org_1", url="https://a.example", event_types=("*",), playbook_ids=(),
        description="", contact=None, status="active", created_at=NOON, created_by="ops", updated_at=NOON,
        updated_by="ops", secrets=secrets,
    )  # fmt: skip


def kept(keyring: Keyring, version: int = 1) -> Secret:
    return Secret(version=version, value=Secrets(keyring).fresh("wh_1", version))


def test_a_secret_is_kept_encrypted_and_each_is_another() -> None:
    one, two = kept(BEFORE), kept(BEFORE)
    clear = Secrets(BEFORE).opened("wh_1", one)
    assert clear.startswith("whsec_") and clear[6:] not in one.value
    assert one.value.startswith("sealed:old:")
    assert clear != Secrets(BEFORE).opened("wh_1", two)


def test_without_keys_it_is_kept_as_it_is() -> None:
    secret = kept(Keyring({}))
    assert Secrets(Keyring({})).opened("wh_1", secret) == secret.value
    assert Secrets(BEFORE).opened("wh_1", secret) == secret.value


def test_one_webhooks_secret_is_of_no_use_to_another_nor_as_another_version() -> None:
    secret = kept(BEFORE)
    with pytest.raises(BrokenSeal):
        Secrets(BEFORE).opened("wh_2", secret)
    with pytest.raises(BrokenSeal):
        Secrets(BEFORE).opened("wh_1", secret.model_copy(update={"version": 2}))


def test_a_new_key_of_the_configuration_takes_over_and_the_old_one_may_go() -> None:
    before = webhook(kept(BEFORE, 2), Secret(version=1, value="whsec_Y2xlYXI=", valid_until=NOON + timedelta(days=1)))
    after = Secrets(MEANWHILE).resealed(before, NOON)
    assert Secrets(AFTER).signing(after, NOON) == Secrets(BEFORE).signing(before, NOON)
    assert all(secret.value.startswith("sealed:new:") for secret in after.secrets)
    assert (after.etag, after.written) == (before.etag, before.written + 1)


def test_a_secret_that_cannot_be_opened_keeps_no_other_under_the_old_key() -> None:
    lost = Secret(version=1, value=kept(Keyring({"lost": new_key()})).value, valid_until=NOON + timedelta(days=1))
    before = webhook(kept(BEFORE, 2), lost)
    after = Secrets(MEANWHILE).resealed(before, NOON)
    assert Secrets(AFTER).signing(after, NOON) == Secrets(BEFORE).signing(before, NOON)
    assert after.secrets[1] == lost


def test_a_secret_that_is_over_is_not_kept_on() -> None:
    before = webhook(kept(BEFORE, 2), Secret(version=1, value=kept(BEFORE).value, valid_until=NOON))
    assert [secret.version for secret in Secrets(MEANWHILE).resealed(before, NOON).secrets] == [2]


def test_a_message_is_signed_with_what_can_be_opened_and_not_at_all_where_nothing_can() -> None:
    newer, older = kept(AFTER, 2), Secret(version=1, value=kept(BEFORE).value, valid_until=NOON + timedelta(days=1))
    assert len(Secrets(AFTER).signing(webhook(newer, older), NOON)) == 1
    with pytest.raises(BrokenSeal, match="wrapped by old, which ENCRYPTION_KEYS does not hold"):
        Secrets(AFTER).signing(webhook(older), NOON)
