"""What nobody expected still gets an answer in the envelope, with its request id; and everything is observed."""

import httpx
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from services.gateway.edge import Edge
from services.gateway.identity import token_verifier
from services.gateway.limiting import Limiting
from services.gateway.rate_limits import RateLimits
from shared.metrics import exposition
from tests.unit.gateway.client import authorization, settings


async def breaking(scope: Scope, receive: Receive, send: Send) -> None:
    raise RuntimeError("the secret of the house")


async def test_a_surprise_is_an_internal_error_that_tells_nothing() -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(Edge(breaking)), base_url="http://gateway") as client:
        answer = await client.get("/any", headers={"X-Request-ID": "req_1"})
    assert (answer.status_code, answer.headers["X-Request-ID"]) == (500, "req_1")
    assert answer.json()["error"]["code"] == "INTERNAL_ERROR"
    assert b"secret" not in answer.content


async def test_a_surprise_too_says_how_much_may_be_asked_yet() -> None:
    limits = RateLimits(settings(), "none", 7, {})
    app = Edge(Limiting(breaking, token_verifier(settings(), None), limits))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://gateway") as client:
        answer = await client.get("/any", headers=authorization())
    assert (answer.status_code, answer.headers["X-RateLimit-Limit"]) == (500, "7")


async def test_a_caller_that_went_away_is_no_surprise() -> None:
    sent = []

    async def gone(scope: Scope, receive: Receive, send: Send) -> None:
        raise ClientDisconnect

    async def send(message: object) -> None:
        sent.append(message)

    async def receive() -> dict[str, object]:
        return {"type": "http.disconnect"}

    await Edge(gone)({"type": "http", "method": "GET", "path": "/gone", "headers": []}, receive, send)
    assert sent == []
    assert 'route="unmatched",status="499"' in exposition()[0].decode()


async def test_unknown_methods_make_no_new_series() -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(Edge(breaking)), base_url="http://gateway") as client:
        for method in ("AAA", "BBB"):
            await client.request(method, "/any")
    page = exposition()[0].decode()
    assert 'method="other"' in page
    assert "AAA" not in page
