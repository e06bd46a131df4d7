"""Settings from the environment."""

import pytest
from pydantic import ValidationError

from services.notifier.settings import NotifierSettings
from tests.infrastructure import SERVICE_TOKEN

REQUIRED = {
    "MONGODB_URI": "mongodb://h/",
    "KAFKA_BOOTSTRAP_SERVERS": "h:9092",
    "SERVICE_TOKEN": SERVICE_TOKEN,
    "RUN_ENGINE_URL": "http://h:1",
}


def settings_from(monkeypatch: pytest.MonkeyPatch, **environment: str) -> NotifierSettings:
    for name, value in (REQUIRED | environment).items():
        monkeypatch.setenv(name, value)
    return NotifierSettings()


def test_sends_nothing_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    assert settings_from(monkeypatch).notifier_smtp_url is None


@pytest.mark.parametrize("url", ["http://mail.example", "smtp://", "mail.example:25"])
def test_refuses_what_is_no_mail_server(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    with pytest.raises(ValidationError, match="NOTIFIER_SMTP_URL must be"):
        settings_from(monkeypatch, NOTIFIER_SMTP_URL=url, NOTIFIER_FROM="a@b.example")


@pytest.mark.parametrize("sender", ["", "nobody"])
def test_a_mail_server_needs_a_sender(monkeypatch: pytest.MonkeyPatch, sender: str) -> None:
    with pytest.raises(ValidationError, match="NOTIFIER_FROM must be"):
        settings_from(monkeypatch, NOTIFIER_SMTP_URL="smtp://mail.example", NOTIFIER_FROM=sender)
