"""Clients that send without end, or not at all, or that do not read: each is refused or left within its bound."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from itertools import chain, repeat
from typing import Any

import orjson
import pytest
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send
from uvicorn import Config
from uvicorn.server import ServerState

from shared.http_bounds import BoundedProtocol, RequestBounds

BOUNDS = RequestBounds(head_bytes=8 * 1024, head_seconds=0.3, seconds=0.6)
POST = b"POST / HTTP/1.1\r\nHost: a\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"


class Application:
    """Answers with the length of the body; what it went through is in `ends`."""

    def __init__(self, answer: bytes = b"") -> None:
        self.ends: list[str] = []
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            body = await Request(scope, receive).body()
        except ClientDisconnect:
            self.ends.append("left")
            return
        await PlainTextResponse(self._answer or str(len(body)))(scope, receive, send)
        self.ends.append("answered")


@contextlib.asynccontextmanager
async def connection(
    application: Any = None, **changes: Any
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter, ServerState]]:
    settings = {"timeout_keep_alive": 1} | changes
    config = Config(application or Application(), log_config=None, ws="none", **settings)
    config.load()
    state = ServerState()
    server = await asyncio.get_running_loop().create_server(
        lambda: BoundedProtocol(BOUNDS, config=config, server_state=state, app_state={}), "127.0.0.1", 0
    )
    async with server, asyncio.timeout(20):
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        yield reader, writer, state
        writer.close()


async def refusal_of(sent: Iterator[bytes], application: Application | None = None) -> tuple[int, dict[str, Any]]:
    """Sends, piece by piece, until the connection is closed; status and error of what came back."""
    async with connection(application) as (reader, writer, state):
        with contextlib.suppress(ConnectionError):
            for piece in sent:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(0)
                if reader.at_eof() or writer.is_closing() or reader._buffer:  # type: ignore[attr-defined]
                    break
        answer = await reader.read()
        writer.close()
        await until_closed(state)
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split(b" ")[1]), orjson.loads(body)["error"]


async def until_closed(state: ServerState) -> None:
    while state.connections:  # noqa: ASYNC110 - the test's own deadline bounds it
        await asyncio.sleep(0.01)


HEADS_WITHOUT_END = {
    "a thousand headers": iter([POST, b"".join(b"X-%d: 1\r\n" % n for n in range(1000)), b"\r\n"]),
    "one header of a megabyte": iter([POST + b"X: ", b"x" * 1024 * 1024, b"\r\n\r\n"]),
    "headers of many kilobytes in one read": iter([POST + b"X: " + b"x" * 9000 + b"\r\n\r\n"]),
    "headers without end": chain([POST], repeat(b"X: 1\r\n")),
    "a header without end": chain([POST + b"X: "], repeat(b"x" * 1000)),
    "a path without end": chain([b"GET /"], repeat(b"x" * 1000)),
    "trailers without end": chain([CHUNKED + b"1\r\nx\r\n0\r\n"], repeat(b"X: 1\r\n")),
    "a trailer without end": chain([CHUNKED + b"1\r\nx\r\n0\r\nX: "], repeat(b"x" * 1000)),
    "a chunk's extension without end": chain([CHUNKED + b"1;"], repeat(b"x" * 1000)),
}


@pytest.mark.parametrize("sent", HEADS_WITHOUT_END.values(), ids=HEADS_WITHOUT_END.keys())
async def test_headers_beyond_their_bound_are_refused(sent: Iterator[bytes]) -> None:
    status, error = await refusal_of(sent)
    assert (status, error["code"]) == (431, "PAYLOAD_TOO_LARGE")
    assert error["details"] == {"max_bytes": BOUNDS.head_bytes, "max_headers": 100}


@pytest.mark.parametrize("sent", [b"P", POST, POST + b"X: 1"])
async def test_headers_that_do_not_arrive_are_refused(sent: bytes) -> None:
    status, error = await refusal_of(iter([sent]))
    assert (status, error["code"]) == (408, "VALIDATION_ERROR")
    assert error["message"] == "The request's head did not arrive within 0.3 seconds"


@pytest.mark.parametrize(
    "sent", [POST + b"Content-Length: 5\r\n\r\n", POST + b"Content-Length: 5\r\n\r\nabcd", CHUNKED + b"1\r\nx\r\n"]
)
async def test_a_body_that_does_not_arrive_is_refused_and_its_handler_ends(sent: bytes) -> None:
    application = Application()
    status, error = await refusal_of(iter([sent]), application)
    assert (status, error["message"]) == (408, "The request's body did not arrive within 0.6 seconds")
    assert application.ends == ["left"]


async def test_a_connection_that_says_nothing_is_closed() -> None:
    async with connection() as (reader, _, state):
        assert await reader.read() == b""
        await until_closed(state)


async def test_blank_lines_keep_no_connection_open() -> None:
    async with connection() as (reader, writer, _):
        writer.write(b"\r\n")
        assert await reader.read() == b""


async def test_an_answer_that_nobody_reads_is_given_up() -> None:
    async with connection(Application(b"x" * 20_000_000)) as (_, writer, state):
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        while not state.connections:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        await until_closed(state)


async def test_a_small_body_in_single_bytes_is_taken() -> None:
    async with connection() as (reader, writer, _):
        writer.write(CHUNKED + b"1\r\nx\r\n" * 20_000 + b"0\r\n\r\n")
        assert (await reader.readuntil(b"20000")).startswith(b"HTTP/1.1 200")


async def test_a_body_far_larger_than_the_headers_may_be_is_taken() -> None:
    async with connection() as (reader, writer, _):
        writer.write(POST + b"Content-Length: 1000000\r\n\r\n" + b"x" * 1_000_000)
        assert (await reader.readuntil(b"\r\n\r\n1000000")).startswith(b"HTTP/1.1 200")


async def test_many_pipelined_requests_do_not_count_as_one() -> None:
    async with connection() as (reader, writer, _):
        for _ in range(100):
            writer.write(POST + b"X: " + b"x" * 400 + b"\r\nContent-Length: 100\r\n\r\n" + b"x" * 100)
        for _ in range(100):
            assert (await reader.readuntil(b"\r\n\r\n100")).startswith(b"HTTP/1.1 200")


async def test_of_requests_that_are_sent_far_ahead_the_first_are_answered_and_the_connection_ends() -> None:
    async with connection() as (reader, writer, _):
        writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" * 2000)
        answers = (await reader.read()).count(b"HTTP/1.1 200")
    assert 100 <= answers <= 110


async def test_what_follows_a_request_takes_nothing_from_its_answer() -> None:
    async with connection() as (reader, writer, _):
        writer.write(POST + b"Content-Length: 3\r\n\r\nabc" + b"no HTTP at all\r\n\r\n")
        answer = await reader.read()
    assert answer.startswith(b"HTTP/1.1 200")
    assert answer.endswith(b"\r\n\r\n3")
