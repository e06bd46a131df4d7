"""Callers with an issuer's tokens at the gateway: its keys change, its server fails, the settings are wrong."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from deploy.local.waiting import until
from services.gateway.settings import GatewaySettings
from shared.settings import load_settings
from tests.issuer import Issuer, SigningKey, new_key, published
from tests.unit.gateway.client import NOWHERE, SECRET, authorization, gateway

RUNS = "/api/v1/playbook-runs"
ANY_ONE = {"jwt_any_issuer": True, "jwt_any_audience": True}
ANY = {"JWT_ANY_ISSUER": "true", "JWT_ANY_AUDIENCE": "true"}
FIRST, SECOND = new_key("RS256", "first"), new_key("ES256", "second")


@pytest.fixture
async def issuer() -> AsyncIterator[Issuer]:
    async with published(FIRST) as issuer:
        yield issuer


async def told(client: httpx.AsyncClient, token: str) -> str:
    """The error's code for somebody without a permission: FORBIDDEN says that the caller is known."""
    answer = await client.get(RUNS, headers={"Authorization": f"Bearer {token}"})
    content = answer.json()
    assert set(content) == {"success", "error"}
    assert (answer.status_code == 503) == ("Retry-After" in answer.headers)
    return str(content["error"]["code"])


def powerless(key: SigningKey = FIRST) -> str:
    return key.sign(permissions=[])


async def test_an_issuer_s_keys_open_beside_the_secret_and_change(issuer: Issuer) -> None:
    async with gateway(jwt_jwks_url=issuer.url, jwt_jwks_pause_seconds=0.01, **ANY_ONE) as client:
        assert await told(client, powerless()) == "FORBIDDEN"
        assert await told(client, powerless(SECOND)) == "UNAUTHORIZED"
        issuer.keys = [SECOND]

        async def is_known() -> bool:
            return await told(client, powerless(SECOND)) == "FORBIDDEN"

        await asyncio.wait_for(until(is_known), 10)
        assert await told(client, powerless()) == "UNAUTHORIZED"
        assert (await client.get(RUNS, headers=authorization(permissions=[]))).status_code == 403


async def test_without_a_secret_no_token_by_hs256_opens(issuer: Issuer) -> None:
    async with gateway(jwt_secret=None, jwt_jwks_url=issuer.url, **ANY_ONE) as client:
        assert await told(client, authorization()["Authorization"].split()[1]) == "UNAUTHORIZED"
        assert await told(client, powerless()) == "FORBIDDEN"


@pytest.mark.parametrize("rate_limit_per_minute", [0, 1000])
async def test_says_to_try_again_when_there_are_no_keys(rate_limit_per_minute: int) -> None:
    async with gateway(jwt_jwks_url=NOWHERE, rate_limit_per_minute=rate_limit_per_minute, **ANY_ONE) as client:
        answer = await client.get(RUNS, headers={"Authorization": f"Bearer {powerless()}"})
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "UNAVAILABLE")
        assert 1 <= int(answer.headers["Retry-After"]) <= 10
        assert NOWHERE not in answer.text
        assert await told(client, "a.b.c") == "UNAUTHORIZED"
        assert (await client.get(RUNS, headers=authorization(permissions=[]))).status_code == 403


async def test_an_issuer_s_token_for_somebody_else_does_not_open(issuer: Issuer) -> None:
    ours: dict[str, Any] = {"iss": "https://idp.test", "aud": "hera", "permissions": []}
    async with gateway(jwt_jwks_url=issuer.url, jwt_issuer=ours["iss"], jwt_audience=ours["aud"]) as client:
        assert await told(client, FIRST.sign(**ours)) == "FORBIDDEN"
        for wrong in ({"aud": "payroll"}, {"aud": None}, {"iss": "https://other.test"}, {"iss": None}):
            assert await told(client, FIRST.sign(**{**ours, **wrong})) == "UNAUTHORIZED"


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({}, "Set JWT_SECRET or JWT_JWKS_URL: without either no token can be verified"),
        ({"JWT_SECRET": "", "JWT_JWKS_URL": ""}, "Set JWT_SECRET or JWT_JWKS_URL: without either no token can be"),
        ({"JWT_SECRET": "too short", "JWT_JWKS_URL": "https://idp.test/keys"}, "JWT_SECRET: needs 32 bytes or more"),
        ({"JWT_JWKS_URL": "idp.test/keys"}, "JWT_JWKS_URL must be http:// or https:// with a host"),
        ({"JWT_JWKS_URL": "file:///etc/keys"}, "JWT_JWKS_URL must be"),
        ({"JWT_JWKS_URL": "https://idp.test:70000/keys"}, "JWT_JWKS_URL must be"),
        ({"JWT_JWKS_URL": "https://me:hidden@idp.test/keys"}, "JWT_JWKS_URL must be"),
        ({"JWT_JWKS_URL": "https://idp.test/keys"}, "JWT_ISSUER must be set where JWT_JWKS_URL is: it is the iss that"),
        ({"JWT_JWKS_URL": "https://idp.test/keys", "JWT_ISSUER": "https://idp.test"}, "JWT_AUDIENCE must be set where"),
        ({"JWT_JWKS_URL": "https://idp.test/keys", "JWT_ISSUER": "", "JWT_AUDIENCE": "hera"}, "JWT_ISSUER must be set"),
        (
            {"JWT_JWKS_URL": "https://idp.test/keys", "JWT_ISSUER": "https://idp.test", "JWT_ANY_ISSUER": "true"},
            "JWT_ISSUER and JWT_ANY_ISSUER=true exclude each other",
        ),
        ({"JWT_SECRET": SECRET, "JWT_LEEWAY_SECONDS": "3600"}, "JWT_LEEWAY_SECONDS=3600: Input should be less than"),
        ({**ANY, "JWT_JWKS_URL": "https://idp.test/keys", "JWT_JWKS_KEPT_SECONDS": "60"}, "JWT_JWKS_KEPT_SECONDS must"),
    ],
)
def test_one_sentence_says_what_is_wrong_with_the_settings(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], given: dict[str, str], sentence: str
) -> None:
    required = ("MONGODB_URI", "KAFKA_BOOTSTRAP_SERVERS", "REGISTRY_URL", "RUN_ENGINE_URL", "TIMELINE_URL")
    for name in ("JWT_SECRET", "JWT_JWKS_URL", "JWT_ISSUER", "JWT_AUDIENCE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {
        **dict.fromkeys((*required, "ANALYTICS_URL", "NOTIFIER_URL"), NOWHERE),
        "SERVICE_TOKEN": SECRET.replace(" ", "-"),
        **given,
    }.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit):
        load_settings(GatewaySettings)
    said = capsys.readouterr().err
    assert said.startswith(sentence)
    assert said.count("\n") == 1
    assert "hidden" not in said
    assert "too short" not in said
