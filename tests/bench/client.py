"""A small HTTP/1.1 client that costs little: one kept connection, one request at a time, requests as finished bytes."""

import asyncio
from dataclasses import dataclass
from typing import Any, cast

import httptools
import httpx
import orjson

from deploy.client import Client

ANSWER_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes
    headers: dict[str, str]

    def data(self) -> Any:
        """`data` of the answer's envelope. Raises CallError where it is an error's."""
        content = orjson.loads(self.body)
        if not content["success"]:
            raise CallError(self)
        return content["data"]


class CallError(Exception):
    """An answer that is not the one that was expected."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(f"status {answer.status}: {answer.body[:300].decode(errors='replace')}")
        self.answer = answer


class Connection(asyncio.Protocol):
    """One connection that is kept; whoever uses it waits for each answer before the next request."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._waiting: asyncio.Future[Answer] | None = None
        self._parser: Any = None
        self._body: list[bytes] = []
        self._headers: dict[str, str] = {}

    @classmethod
    async def open(cls, host: str, port: int) -> "Connection":
        _, connection = await asyncio.get_running_loop().create_connection(cls, host, port)
        return connection

    @property
    def is_open(self) -> bool:
        return self._transport is not None and not self._transport.is_closing()

    async def send(self, request: bytes) -> Answer:
        """Raises OSError where the connection breaks, TimeoutError after ANSWER_SECONDS."""
        if self._transport is None or self._transport.is_closing():
            raise ConnectionResetError("the connection is closed")
        loop = asyncio.get_running_loop()
        self._waiting = loop.create_future()
        self._parser = httptools.HttpResponseParser(self)
        deadline = loop.call_later(ANSWER_SECONDS, self._break, TimeoutError("no answer in time"))
        self._transport.write(request)
        try:
            return await self._waiting
        finally:
            deadline.cancel()
            self._waiting = None

    def close(self) -> None:
        if self._transport:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's has the methods and another base

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._break(ConnectionResetError(f"no HTTP answer: {error}"))

    def connection_lost(self, exc: Exception | None) -> None:
        self._break(exc or ConnectionResetError("the server closed the connection"))
        self._transport = None

    def on_message_begin(self) -> None:
        self._body, self._headers = [], {}

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_body(self, body: bytes) -> None:
        self._body.append(body)

    def on_message_complete(self) -> None:
        if self._waiting and not self._waiting.done():
            status = self._parser.get_status_code()
            self._waiting.set_result(Answer(status, b"".join(self._body), self._headers))

    def _break(self, error: Exception) -> None:
        if self._waiting and not self._waiting.done():
            self._waiting.set_exception(error)
            self.close()


class Caller:
    """Makes requests of one tenant: everything that does not change from one to the next is serialised once."""

    def __init__(self, host: str, port: int, token: str, organization_id: str) -> None:
        self.host, self.port, self.organization_id = host, port, organization_id
        self._token = token
        self._head = (
            f" HTTP/1.1\r\nHost: {host}:{port}\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n"
        ).encode()

    def client(self) -> Client:
        """The API's own, for all that is not measured."""
        http = httpx.AsyncClient(base_url=f"http://{self.host}:{self.port}", timeout=30, trust_env=False)
        return Client(http, self._token, self.organization_id)

    async def connect(self) -> Connection:
        return await Connection.open(self.host, self.port)

    def get(self, path: str) -> bytes:
        return b"GET /api/v1" + path.encode() + self._head + b"\r\n"

    def post(self, path: str, body: dict[str, Any], idempotency_key: str | None = None) -> bytes:
        return b"POST /api/v1" + path.encode() + self.post_tail(body, idempotency_key)

    def post_tail(self, body: dict[str, Any], idempotency_key: str | None = None) -> bytes:
        """What comes after the path: for requests that differ in their path only."""
        content = orjson.dumps({"organization_id": self.organization_id, **body})
        key = f"Idempotency-Key: {idempotency_key}\r\n".encode() if idempotency_key else b""
        return self._head + key + f"Content-Length: {len(content)}\r\n\r\n".encode() + content


class Line:
    """A caller's connection, opened anew where the server has closed it: it does when nothing was asked for a while."""

    def __init__(self, caller: Caller) -> None:
        self.caller = caller
        self._connection: Connection | None = None

    async def send(self, request: bytes) -> Answer:
        if self._connection is None or not self._connection.is_open:
            self._connection = await self.caller.connect()
        return await self._connection.send(request)

    def close(self) -> None:
        if self._connection:
            self._connection.close()
