"""What `automation_config` may say."""

from typing import Any

import pytest

from services.playbook_registry.domain.automation import faults
from tests.unit.playbook_registry.drafts import draft


def reason(config: dict[str, Any]) -> str | None:
    found = [fault.details for fault in faults(draft({"automation_config": config}).steps[0], "steps[0]")]
    assert all(details["field"] == f"steps[0].automation_config.{next(iter(config))}" for details in found)
    return found[0]["reason"] if found else None


@pytest.mark.parametrize(
    "config",
    [
        {"retry_attempts": -1}, {"retry_attempts": 1.5}, {"retry_attempts": "3"}, {"retry_attempts": 101},
        {"retry_attempts": True}, {"timeout_seconds": "30"}, {"timeout_seconds": 0}, {"timeout_seconds": 86401},
        {"lease_seconds": 0.5}, {"lease_seconds": 86401}, {"lease_seconds": "60"}, {"fallback_to_manual": "yes"},
        {"auto_approve_limit": "1"}, {"api_endpoint": 5}, {"api_endpoint": ""}, {"trigger": 5},
    ],
)  # fmt: skip
def test_refuses_what_could_not_be_carried_out(config: dict[str, Any]) -> None:
    assert reason(config)


@pytest.mark.parametrize("trigger", ["on_schedule", "manual", "ON_PREVIOUS_COMPLETION", "", []])
def test_refuses_a_trigger_that_nothing_pulls_and_says_which_there_is(trigger: Any) -> None:
    assert "trigger must be on_previous_completion" in (reason({"trigger": trigger}) or "")


@pytest.mark.parametrize(
    "endpoint",
    [
        "api/v1", "//evil.example/x", "/../admin", "/a/%2e%2e/x", "/a/%252e%252e/x", "/a b", "/a\\b", "/a\r\nX: y",
        "ftp://h/x", "file:///etc/passwd", "javascript:alert(1)", "http:///x", "http://h:port/x", "http://u:p@h/x",
        "http://[::1", "https://ok.example@evil.example/",
    ],
)  # fmt: skip
def test_refuses_an_endpoint_that_no_run_could_call(endpoint: str) -> None:
    assert (reason({"api_endpoint": endpoint}) or "").startswith("api_endpoint ")


@pytest.mark.parametrize(
    "config",
    [
        {}, {"trigger": "on_previous_completion"}, {"retry_attempts": 0}, {"retry_attempts": 100},
        {"timeout_seconds": 0.5}, {"timeout_seconds": 86400}, {"lease_seconds": 1}, {"fallback_to_manual": True},
        {"api_endpoint": "/api/v1/insurance/verify"}, {"api_endpoint": "/search?q=../x"},
        {"api_endpoint": "https://hooks.example:8443/x"}, {"trigger": None}, {"scoring_model": "commercial_v5"},
    ],
)  # fmt: skip
def test_takes_what_the_service_understands_and_what_is_the_workers_own(config: dict[str, Any]) -> None:
    assert reason(config) is None
