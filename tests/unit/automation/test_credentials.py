"""How a secret is sent with a call, and that nothing brings it back."""

import base64
from datetime import UTC, datetime
from typing import Any

import pytest
from standardwebhooks import Webhook

from services.automation.domain.answers import Outcome
from services.automation.domain.credentials import credential_of

SECRET = "s3cret-0123456789"
BODY = b'{"data": 1}'


def headers(value: str = SECRET, **auth: str) -> dict[str, str]:
    return credential_of({"secret": "crm", **auth}, value).headers("run_1:step_001:1", BODY, datetime.now(UTC))


def test_a_secret_is_a_bearer_token_a_password_or_a_header() -> None:
    assert headers(scheme="bearer") == {"Authorization": f"Bearer {SECRET}"}
    assert headers(scheme="header", header="X-Api-Key") == {"X-Api-Key": SECRET}
    basic = headers(scheme="basic", user="hera")["Authorization"].removeprefix("Basic ")
    assert base64.b64decode(basic).decode() == f"hera:{SECRET}"


@pytest.mark.parametrize(
    ("value", "key"),
    [
        (SECRET, SECRET.encode()),
        ("whsec_" + base64.b64encode(b"k" * 24).decode(), b"k" * 24),
        ("whsec_!", b"whsec_!"),
    ],
)
def test_a_signature_can_be_verified_by_any_library_of_the_scheme(value: str, key: bytes) -> None:
    signed = headers(value, scheme="signature")
    assert value not in str(signed)
    assert Webhook(key).verify(BODY, signed) == {"data": 1}


@pytest.mark.parametrize("auth", [{"scheme": "bearer"}, {"scheme": "basic", "user": "hera"}])
def test_an_answer_that_repeats_the_secret_is_masked(auth: dict[str, Any]) -> None:
    credential = credential_of({"secret": "crm", **auth}, SECRET)
    sent = credential.headers("id", BODY, datetime.now(UTC))["Authorization"]
    echo = {"seen": [sent, {SECRET: f"token {SECRET}!"}], "n": 1, "none": None}
    outcome = credential.without_secret(Outcome("failure", data=echo, error=f"no such token: {sent}"))
    told = repr(outcome) + repr(credential)
    assert SECRET not in told and base64.b64encode(f"hera:{SECRET}".encode()).decode() not in told
    assert outcome.data["n"] == 1 and "********" in (outcome.error or "")
