"""How an automated step says with which of the organization's secrets its call authenticates itself."""

from typing import Any

import pytest

from contracts.definitions import PlaybookDraft
from services.playbook_registry.domain.automation import faults
from services.playbook_registry.domain.warnings import warnings


def draft(auth: Any, endpoint: str = "/contracts") -> PlaybookDraft:
    config = {"api_endpoint": endpoint, "auth": auth}
    step = {"name": "A", "sequence": 1, "step_type": "automated", "automation_config": config}
    whole = {"name": "Test", "smart_code": "HERA.TEST.PLAYBOOK.UNIT.v1", "steps": [step]}
    return PlaybookDraft.model_validate(whole)


def places(auth: Any) -> list[str]:
    found = list(faults(draft(auth).steps[0], "steps[0]"))
    assert all(fault.details["value"] is None for fault in found)  # somebody may have written the secret itself
    return [fault.details["field"].removeprefix("steps[0].automation_config.") for fault in found]


@pytest.mark.parametrize(
    "auth",
    [
        None,
        {"scheme": "bearer", "secret": "crm_token"},
        {"scheme": "basic", "secret": "crm", "user": "hera"},
        {"scheme": "header", "secret": "crm", "header": "X-Api-Key"},
        {"scheme": "signature", "secret": "crm"},
    ],
)
def test_takes_each_scheme(auth: Any) -> None:
    assert places(auth) == []


@pytest.mark.parametrize(
    ("auth", "wrong"),
    [
        ("crm_token", ["auth"]),
        ({"scheme": "oauth", "secret": "crm"}, ["auth.scheme"]),
        ({"scheme": "bearer"}, ["auth.secret"]),
        ({"scheme": "bearer", "secret": "eyJhbGciOiJIUzI1NiJ9.e30.x"}, ["auth.secret"]),
        ({"scheme": "bearer", "secret": "crm", "token": "abc"}, ["auth.token"]),
        ({"scheme": "basic", "secret": "crm"}, ["auth.user"]),
        ({"scheme": "basic", "secret": "crm", "user": "a:b"}, ["auth.user"]),
        ({"scheme": "header", "secret": "crm"}, ["auth.header"]),
        ({"scheme": "header", "secret": "crm", "header": "Content-Length"}, ["auth.header"]),
        ({"scheme": "header", "secret": "crm", "header": "X-A\r\nX-B"}, ["auth.header"]),
        ({"scheme": "bearer", "secret": "crm", "header": "X-Api-Key"}, ["auth.header"]),
    ],
)
def test_refuses_what_could_not_be_sent_without_repeating_it(auth: Any, wrong: list[str]) -> None:
    assert places(auth) == wrong


def test_warns_of_credentials_that_are_sent_unencrypted() -> None:
    sent = draft({"scheme": "bearer", "secret": "crm"}, "http://crm.example.com/contracts")
    assert "steps[0].automation_config.auth" in [warning["field"] for warning in warnings(sent)]
