"""A signal's actor is a configured source that has proved itself; what a record claims proves nothing."""

from base64 import b64encode
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
import structlog
from pydantic import TypeAdapter, ValidationError
from standardwebhooks import Webhook
from structlog.testing import capture_logs

from contracts.signals import SignalMessage
from contracts.topics import SIGNALS
from services.run_engine import signal_sources
from services.run_engine.settings import Settings
from services.run_engine.signal_sources import SignalSources, SignalSourceSettings, UnknownSource
from shared.errors import Refused
from shared.settings import load_settings

SECRET = "whsec_" + b64encode(bytes(range(32))).decode()
OLDER, FOREIGN = ("whsec_" + b64encode(bytes([n]) * 32).decode() for n in (1, 2))
OWN_TOPIC = "playbook.signals.billing"
BILLING = {"topic": OWN_TOPIC, "organizations": ["org_1"], "types": ["event"]}
CRM = {"secrets": [SECRET, OLDER], "organizations": ["*"], "types": ["*"], "permissions": ["run:update", "step:skip"]}
SENT: dict[str, Any] = {
    "organization_id": "org_1",
    "run_id": "run_1",
    "signal_id": "sig_1",
    "signal": {"type": "event", "name": "paid", "issued_by": "the_ceo"},
}


@dataclass
class Written:
    value: bytes | None
    topic: str = SIGNALS.name
    partition: int = 0
    offset: int = 0
    timestamp: int = 0
    key: bytes | None = b"run_1"
    headers: tuple[tuple[str, bytes | None], ...] = field(default=())


def configured(**sources: Any) -> SignalSources:
    settings: dict[str, Any] = TypeAdapter(SignalSourceSettings).validate_python(sources)
    return SignalSources(settings, ("run:update",))


def written(sent: dict[str, Any] = SENT, topic: str = SIGNALS.name) -> Written:
    return Written(orjson.dumps(sent), topic)


def signed(sent: dict[str, Any] = SENT, secret: str = SECRET, signal_id: str = "sig_1") -> Written:
    """As any library of Standard Webhooks signs a body."""
    record, moment = written(sent), datetime(2024, 1, 15, tzinfo=UTC)
    assert record.value is not None
    signature = Webhook(secret).sign(signal_id, moment, record.value.decode())
    head = {"webhook-id": signal_id, "webhook-timestamp": str(int(moment.timestamp())), "webhook-signature": signature}
    record.headers = tuple((name, value.encode()) for name, value in head.items())
    return record


def caller_of(sources: SignalSources, record: Written) -> Any:
    sent = orjson.loads(record.value or b"")
    return sources.caller(sources.prove(record, sent), SignalMessage.model_validate(sent))


def test_without_sources_the_actor_is_kafka_whatever_the_record_claims() -> None:
    caller = caller_of(configured(), written())
    assert (caller.id, caller.type, caller.permissions) == ("kafka", "service", ("run:update",))


def test_a_start_without_sources_warns(monkeypatch: pytest.MonkeyPatch) -> None:
    # A logger that has been used keeps the processors of that time, which nothing captures.
    monkeypatch.setattr(signal_sources, "log", structlog.get_logger())
    with capture_logs() as logs:
        configured()
        configured(crm=CRM)
    assert [(line["event"], line["log_level"]) for line in logs] == [("signal_sources_not_configured", "warning")]


def test_a_topic_of_its_own_proves_a_source() -> None:
    caller = caller_of(configured(billing=BILLING), written(topic=OWN_TOPIC))
    assert (caller.id, caller.permissions) == ("billing", ("run:update",))


@pytest.mark.parametrize("secret", [SECRET, OLDER])
def test_a_signature_proves_a_source(secret: str) -> None:
    caller = caller_of(configured(crm=CRM), signed(secret=secret))
    assert (caller.id, caller.permissions) == ("crm", ("run:update", "step:skip"))


def _unsigned() -> Written:
    return written()


def _signed_by_another() -> Written:
    return signed(secret=FOREIGN)


def _changed_after_it_was_signed() -> Written:
    record = signed()
    record.value = (record.value or b"").replace(b"paid", b"free")
    return record


def _signed_under_another_id() -> Written:
    return signed(signal_id="sig_2")


def _without_an_id() -> Written:
    return signed({name: value for name, value in SENT.items() if name != "signal_id"})


def _with_broken_headers() -> Written:
    record = written()
    record.headers = (("webhook-id", None), ("webhook-signature", b"v1,\xff v1 v2,AAAA v1,"))
    return record


def _signed_for_another_topic() -> Written:
    record = signed()
    record.topic = OWN_TOPIC
    return record


@pytest.mark.parametrize(
    "forge",
    [
        _unsigned,
        _signed_by_another,
        _changed_after_it_was_signed,
        _signed_under_another_id,
        _without_an_id,
        _with_broken_headers,
        _signed_for_another_topic,
    ],
)
def test_what_is_not_proved_is_refused_once_a_source_is_configured(forge: Any) -> None:
    record = forge()
    with pytest.raises(UnknownSource):
        configured(crm=CRM).prove(record, orjson.loads(record.value))


def test_the_shared_topic_is_closed_once_a_source_has_a_topic_of_its_own() -> None:
    sources = configured(billing=BILLING)
    assert sources.topics == [SIGNALS.name, OWN_TOPIC]
    with pytest.raises(UnknownSource):
        sources.prove(written(), SENT)


def test_a_source_speaks_for_its_organizations_alone() -> None:
    with pytest.raises(UnknownSource, match="billing may not send signals for organization org_2"):
        configured(billing=BILLING).prove(written(topic=OWN_TOPIC), SENT | {"organization_id": "org_2"})


def test_a_source_sends_its_types_alone() -> None:
    sent = SENT | {"signal": {"type": "cancel"}}
    with pytest.raises(Refused) as refused:
        caller_of(configured(billing=BILLING), written(sent, OWN_TOPIC))
    assert refused.value.rejection.code == "FORBIDDEN"


@pytest.mark.parametrize(
    ("sources", "reason"),
    [
        ({"a": BILLING, "b": BILLING}, "share topic playbook.signals.billing"),
        ({"a": CRM, "b": CRM | {"secrets": []}}, "share topic playbook.signals, so"),
        ({"a": CRM | {"secrets": ["whsec_short"]}}, "random bytes or more"),
        ({"a": BILLING | {"topic": "run.commands"}}, "pattern"),
        ({"a": BILLING | {"topic": "playbook.signals.outcomes"}}, "not for signals"),
        ({"system": BILLING}, "can't be the name of a source"),
        ({"a": BILLING | {"organizations": []}}, "at least 1"),
        ({"a": BILLING | {"types": ["dance"]}}, "type"),
        ({"a": BILLING | {"orgs": ["x"]}}, "orgs"),
    ],
)
def test_sources_that_prove_nothing_are_refused_at_the_start(sources: Any, reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        configured(**sources)


def test_a_mistake_in_the_setting_shows_no_secret(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in {
        "MONGODB_URI": "mongodb://x",
        "KAFKA_BOOTSTRAP_SERVERS": "x",
        "SERVICE_TOKEN": "x" * 40,
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("SIGNAL_SOURCES", orjson.dumps({"crm": CRM | {"topic": "elsewhere"}, "b": CRM}).decode())
    with pytest.raises(SystemExit):
        load_settings(Settings)
    said = capsys.readouterr().err
    assert "SIGNAL_SOURCES" in said and SECRET not in said
