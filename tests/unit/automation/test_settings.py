"""Settings from the environment."""

import pytest
from pydantic import ValidationError

from services.automation.settings import AutomationSettings
from tests.infrastructure import SERVICE_TOKEN

REQUIRED = {"MONGODB_URI": "mongodb://h/", "KAFKA_BOOTSTRAP_SERVERS": "h:9092", "SERVICE_TOKEN": SERVICE_TOKEN}


def settings_from(monkeypatch: pytest.MonkeyPatch, **environment: str) -> AutomationSettings:
    for name, value in (REQUIRED | environment).items():
        monkeypatch.setenv(name, value)
    return AutomationSettings()


def test_reads_addresses_hosts_and_networks_as_json(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = settings_from(
        monkeypatch,
        AUTOMATION_BASE_URLS='{"org_1": "https://erp.example/api", "*": "http://10.0.0.7:8080"}',
        AUTOMATION_ALLOWED_HOSTS='["hooks.example"]',
        AUTOMATION_ALLOWED_NETWORKS='["10.0.0.0/8", "fd00::/8"]',
    )
    assert settings.automation_base_urls["org_1"] == "https://erp.example/api"
    assert settings.automation_allowed_hosts == {"*": {"hooks.example"}}
    assert {str(network) for network in settings.automation_allowed_networks["*"]} == {"10.0.0.0/8", "fd00::/8"}


def test_hosts_and_networks_are_allowed_to_one_organisation(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = settings_from(
        monkeypatch,
        AUTOMATION_ALLOWED_HOSTS='{"org_1": ["hooks.example:8443"], "*": []}',
        AUTOMATION_ALLOWED_NETWORKS='{"org_1": ["10.0.0.0/8"]}',
    )
    assert settings.automation_allowed_hosts == {"org_1": {"hooks.example:8443"}, "*": frozenset()}
    assert list(settings.automation_allowed_networks) == ["org_1"]


def test_refuses_a_base_address_that_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValidationError, match="the address of org_1 must be http"):
        settings_from(monkeypatch, AUTOMATION_BASE_URLS='{"org_1": "erp.example"}')


def test_refuses_an_allowed_host_that_is_an_address(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValidationError, match=r"'https://h\.example' of org_1 must be host"):
        settings_from(monkeypatch, AUTOMATION_ALLOWED_HOSTS='{"org_1": ["https://h.example"]}')
