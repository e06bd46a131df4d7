"""How a service is run."""

import signal
from typing import Any

import httpx
import pytest
import uvicorn
from pymongo.errors import AutoReconnect, OperationFailure, PyMongoError, ServerSelectionTimeoutError

from shared.service import Service, run
from shared.settings import ServiceSettings
from tests.infrastructure import SERVICE_TOKEN, TOKEN

BALANCERS_SECONDS = 60


def nowhere() -> Service:
    """A service whose infrastructure is not there."""
    settings = {
        "mongodb_uri": "mongodb://127.0.0.1:9/?replicaSet=rs0",
        "kafka_bootstrap_servers": "127.0.0.1:9",
        "service_token": SERVICE_TOKEN,
    }
    return Service("test", ServiceSettings.model_validate(settings))


def test_idle_connections_are_kept_longer_than_load_balancers_keep_theirs(monkeypatch: pytest.MonkeyPatch) -> None:
    given: dict[str, Any] = {}
    monkeypatch.setattr(uvicorn, "run", lambda _app, **options: given.update(options))
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    run(nowhere())
    assert given["timeout_keep_alive"] > BALANCERS_SECONDS


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        (ServerSelectionTimeoutError("no primary"), 503, "UNAVAILABLE"),
        (AutoReconnect("closed"), 503, "UNAVAILABLE"),
        (OperationFailure("unknown operator"), 500, "INTERNAL_ERROR"),
    ],
)
async def test_a_query_while_the_database_is_away_is_told_to_come_again(
    fault: PyMongoError, status: int, code: str
) -> None:
    service = nowhere()

    async def query() -> None:
        raise fault

    service.app.add_api_route("/query", query)
    transport = httpx.ASGITransport(service.app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test", headers=TOKEN.headers) as http:
        answer = await http.get("/query")
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert ("Retry-After" in answer.headers) is (status == 503)
    assert str(fault) not in answer.text
