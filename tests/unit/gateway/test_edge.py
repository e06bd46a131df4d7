"""What nobody expected still gets an answer in the envelope, with its request id; and everything is observed."""

import httpx
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from services.gateway.edge import Edge
from shared.metrics import exposition


async def breaking(scope: Scope, receive: Receive, send: Send) -> None:
    raise RuntimeError("the secret of the house")


async def test_a_surprise_is_an_internal_error_that_tells_nothing() -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(Edge(breaking)), base_url="http://gateway") as client:
        answer = await client.get("/any", headers={"X-Request-ID": "req_1"})
    assert (answer.status_code, answer.headers["X-Request-ID"]) == (500, "req_1")
    assert answer.json()["error"]["code"] == "INTERNAL_ERROR"
    assert b"secret" not in answer.content


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
