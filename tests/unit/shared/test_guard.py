"""Internal ports answer the services of the installation, and nobody else."""

import importlib
import re
from typing import Any

import httpx
import pytest
from pydantic import SecretStr, ValidationError

from deploy.local.plan import SERVICES
from services.timeline.settings import Settings
from shared.service_token import ServiceToken
from shared.settings import load_settings
from tests.infrastructure import SERVICE_TOKEN, TOKEN
from tests.unit.deploy.test_containers import settings_class

INTERNAL = [name for name in SERVICES if name != "gateway"]
NOWHERE = {
    "mongodb_uri": "mongodb://127.0.0.1:1/?replicaSet=rs0",
    "kafka_bootstrap_servers": "127.0.0.1:1",
    "run_engine_url": "http://127.0.0.1:1",
    "service_token": SERVICE_TOKEN,
}
STRANGERS: list[dict[str, str]] = [
    {},
    {"Authorization": ""},
    {"Authorization": f"Bearer {SERVICE_TOKEN}x"},
    {"Authorization": f"bearer {SERVICE_TOKEN}"},
    {"Authorization": SERVICE_TOKEN},
    {"X-Service-Token": SERVICE_TOKEN},
]


def app(service: str) -> Any:
    build = importlib.import_module(f"services.{service}.main").build
    return build(settings_class(service).model_validate(NOWHERE)).app


def asking(service: str, **headers: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app(service)), base_url="http://test", headers=headers)


@pytest.mark.parametrize("service", INTERNAL)
async def test_every_internal_endpoint_refuses_whoever_shows_no_token(service: str) -> None:
    endpoints = [(path, method) for path, methods in app(service).openapi()["paths"].items() for method in methods]
    assert endpoints or service == "automation"  # which is asked nothing
    async with asking(service) as http:
        for path, method in endpoints:
            answer = await http.request(method, re.sub(r"{[^}]*}", "x", path))
            assert (answer.status_code, answer.json()["error"]["code"]) == (401, "UNAUTHORIZED"), path


@pytest.mark.parametrize("headers", STRANGERS)
async def test_what_is_nearly_the_token_is_not_the_token(headers: dict[str, str]) -> None:
    async with asking("run_engine", **headers) as http:
        answer = await http.get("/internal/runs")
    assert answer.status_code == 401 and answer.headers["WWW-Authenticate"] == "Bearer"
    assert SERVICE_TOKEN not in answer.text


async def test_health_is_for_everybody() -> None:
    async with asking("timeline") as http:
        assert (await http.get("/health/live")).status_code == 200
        assert "hera_" in (await http.get("/metrics")).text


async def test_who_shows_the_token_is_answered() -> None:
    async with asking("timeline", **TOKEN.headers) as http:
        answer = await http.get("/internal/nothing")
    assert answer.json()["error"]["code"] == "NOT_FOUND"


def test_of_several_tokens_the_first_is_shown_and_any_is_taken() -> None:
    old, new = "o" * 32, "n" * 32
    token = ServiceToken(SecretStr(f"{new}, {old}"))
    assert token.headers == {"Authorization": f"Bearer {new}"}
    assert token.admits(f"Bearer {new}".encode()) and token.admits(f"Bearer {old}".encode())
    assert not token.admits(f"Bearer {new},{old}".encode())


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (None, "SERVICE_TOKEN is not set"),
        ("", "SERVICE_TOKEN is not set"),
        ("hidden", "SERVICE_TOKEN: token 1 needs 32 characters or more; it has 6"),
        (f"{'x' * 32},", "SERVICE_TOKEN: token 2 needs 32 characters or more; it has 0"),
        (f"{'x' * 32} hidden", "SERVICE_TOKEN: token 1 must be of ASCII letters, digits and signs, without spaces"),
    ],
)
def test_no_service_starts_without_a_token_that_nobody_guesses(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], given: str | None, sentence: str
) -> None:
    monkeypatch.delenv("SERVICE_TOKEN", raising=False)
    for name, value in {"MONGODB_URI": "mongodb://h/", "KAFKA_BOOTSTRAP_SERVERS": "h:1"}.items():
        monkeypatch.setenv(name, value)
    if given is not None:
        monkeypatch.setenv("SERVICE_TOKEN", given)
    with pytest.raises(SystemExit):
        load_settings(Settings)
    said = capsys.readouterr().err
    assert said == f"{sentence}\n"


def test_the_token_is_in_no_text_of_the_settings() -> None:
    settings = Settings.model_validate(NOWHERE)
    assert SERVICE_TOKEN not in repr(settings) and SERVICE_TOKEN not in str(settings)
    with pytest.raises(ValidationError):
        Settings.model_validate(NOWHERE | {"service_token": None})
