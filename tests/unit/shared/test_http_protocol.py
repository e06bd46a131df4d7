"""Connections to the HTTP server: bytes that are no HTTP request, and offers to speak another protocol."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import orjson
import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send
from uvicorn import Config
from uvicorn.server import ServerState

from shared.http_protocol import EnvelopeProtocol

H2C = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQCAAAA\r\n"
"""As curl --http2 and Java's HttpClient offer HTTP/2."""
WEBSOCKET = b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MTIz\r\n"


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    body = await Request(scope, receive).body()
    await PlainTextResponse(b"%b %b" % (scope["method"].encode(), body))(scope, receive, send)


@contextlib.asynccontextmanager
async def connection() -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    config = Config(echo, log_config=None, ws="none")
    config.load()
    state = ServerState()
    server = await asyncio.get_running_loop().create_server(
        lambda: EnvelopeProtocol(config=config, server_state=state, app_state={}), "127.0.0.1", 0
    )
    async with server, asyncio.timeout(10):
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        yield reader, writer
        writer.close()


async def answered(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """Status and body of the next response."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = int(head.split(b"content-length:")[1].split(b"\r\n")[0])
    return int(head.split(b" ")[1]), await reader.readexactly(length)


@pytest.mark.parametrize(
    "sent",
    [
        b"FOO /api/v1/playbooks HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01\x02\x00",
        b"GET / HTTP/1.1\r\nbroken\r\n\r\n",
        b"CONNECT example.com:443 HTTP/1.1\r\nHost: example.com\r\n\r\n",
    ],
)
async def test_answers_in_the_envelope_and_closes(sent: bytes) -> None:
    async with connection() as (reader, writer):
        writer.write(sent)
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    status, *headers = head.decode().lower().split("\r\n")
    assert status == "http/1.1 400 bad request"
    names = {line.split(":")[0] for line in headers}
    assert {"content-type", "x-request-id"} <= names
    answer = orjson.loads(body)
    assert (answer["success"], answer["error"]["code"]) == (False, "VALIDATION_ERROR")


@pytest.mark.parametrize("offer", [H2C, WEBSOCKET], ids=["h2c", "websocket"])
@pytest.mark.parametrize("pieces", [1, 7, 400])
async def test_a_request_that_offers_an_upgrade_keeps_its_body(offer: bytes, pieces: int) -> None:
    sent = b"POST / HTTP/1.1\r\nHost: a\r\n" + offer + b'Content-Length: 8\r\n\r\n{"a": 1}'
    async with connection() as (reader, writer):
        size = max(1, len(sent) // pieces)
        for start in range(0, len(sent), size):
            writer.write(sent[start : start + size])
            await writer.drain()
            await asyncio.sleep(0)
        assert await answered(reader) == (200, b'POST {"a": 1}')
        writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert await answered(reader) == (200, b"GET ")


async def test_a_chunked_request_that_offers_an_upgrade_keeps_its_body() -> None:
    async with connection() as (reader, writer):
        writer.write(b"PUT / HTTP/1.1\r\nHost: a\r\n" + H2C + b"Transfer-Encoding: chunked\r\n\r\n")
        writer.write(b"3\r\nabc\r\n0\r\n\r\n")
        assert await answered(reader) == (200, b"PUT abc")


async def test_pipelined_requests_that_offer_upgrades_are_answered_in_their_order() -> None:
    bodies = [b"%d" % number for number in range(10, 99)]
    async with connection() as (reader, writer):
        for body in bodies:
            writer.write(b"POST / HTTP/1.1\r\nHost: a\r\n" + H2C + b"Content-Length: 2\r\n\r\n" + body)
        assert [await answered(reader) for _ in bodies] == [(200, b"POST " + body) for body in bodies]
