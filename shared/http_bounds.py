"""Bounds on what a client may send, and on how long it may take: one that stalls holds no connection forever."""

from asyncio import AbstractEventLoop, TimerHandle, Transport
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from http import HTTPStatus
from typing import Any

import httptools

from contracts.rejections import Code, Rejection
from shared.http_protocol import EnvelopeProtocol

_FRAMING_OF_BODY_BYTE = 8
"""Bytes around each byte of a body that is sent in chunks of a single one: `1 CR LF x CR LF`, with some room."""


_TOO_FAR_AHEAD = Rejection(code=Code.RATE_LIMITED, message="Too many requests were sent ahead on one connection")


@dataclass(frozen=True, slots=True)
class RequestBounds:
    """`head`: the request line and the headers; `seconds` also bound how long a client may leave an answer unread.

    `pipelined`: requests that a client may send ahead, each of which is kept until those before it are answered.
    """

    head_bytes: int
    head_seconds: float
    seconds: float
    headers: int = 100
    pipelined: int = 100


class _Receiving(Enum):
    NOTHING = "nothing"
    HEAD = "head"
    BODY = "body"


class BoundedProtocol(EnvelopeProtocol):
    """Refuses requests whose head is too large, and requests that do not arrive in time."""

    def __init__(self, bounds: RequestBounds, **server: Any) -> None:
        super().__init__(**server)
        self._bounds = bounds
        self._requests = 0
        self._receiving = _Receiving.NOTHING
        self._watched = (self._requests, self._receiving)
        self._overdue = _Timer(self.loop, self._on_overdue)
        self._unread = _Timer(self.loop, lambda: self.transport.abort())
        self._left = 0
        """How many more bytes besides those of the body may come: of the head, between chunks, of trailers."""

    # Size

    def feed(self, data: bytes) -> None:
        number = self._requests
        try:
            super().feed(data)
        except httptools.HttpParserError as error:
            beyond = error.__context__
            if not isinstance(beyond, _OutOfBounds):
                raise
            self.refuse(beyond.status, beyond.rejection)
            return
        # What a request shares a read with is not counted; whole heads are measured in on_headers_complete.
        if number == self._requests and self._receiving is not _Receiving.NOTHING:
            self._left -= len(data)
            if self._left < 0:
                beyond = self._head_too_large()
                self.refuse(beyond.status, beyond.rejection)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._requests += 1
        self._receiving = _Receiving.HEAD
        self._left = self._bounds.head_bytes

    def on_header(self, name: bytes, value: bytes) -> None:
        super().on_header(name, value)
        if len(self.headers) > self._bounds.headers:  # trailers, too, come here
            raise self._head_too_large()

    def on_headers_complete(self) -> None:
        size = len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
        if size > self._bounds.head_bytes:
            raise self._head_too_large()
        if len(self.pipeline) >= self._bounds.pipelined:
            raise _OutOfBounds(HTTPStatus.TOO_MANY_REQUESTS, _TOO_FAR_AHEAD)
        super().on_headers_complete()
        if not self.parser.should_upgrade():
            self._receiving = _Receiving.BODY

    def on_body(self, body: bytes) -> None:
        super().on_body(body)
        self._left += (1 + _FRAMING_OF_BODY_BYTE) * len(body)

    def on_message_complete(self) -> None:
        super().on_message_complete()
        if not self.parser.should_upgrade():
            self._receiving = _Receiving.NOTHING

    def _head_too_large(self) -> "_OutOfBounds":
        bounds = self._bounds
        message = f"The request's headers are larger than {bounds.head_bytes} bytes, or more than {bounds.headers}"
        details = {"max_bytes": bounds.head_bytes, "max_headers": bounds.headers}
        rejection = Rejection(code=Code.PAYLOAD_TOO_LARGE, message=message, details=details)
        return _OutOfBounds(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, rejection)

    # Time

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._keep_alive()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if not (self.refused or self.transport.is_closing()):
            self._watch()

    def _watch(self) -> None:
        """Starts the clock for a head or a body that has not arrived whole. Most do, and need none."""
        watched = (self._requests, self._receiving)
        if watched != self._watched:
            self._watched = watched
            self._overdue.stop()
            if self._receiving is not _Receiving.NOTHING:
                self._overdue.start(self._seconds())
        elif self._receiving is _Receiving.NOTHING and (self.cycle is None or self.cycle.response_complete):
            self._keep_alive()  # blank lines came, and uvicorn has stopped the clock of an idle connection

    def _seconds(self) -> float:
        return self._bounds.head_seconds if self._receiving is _Receiving.HEAD else self._bounds.seconds

    def _on_overdue(self) -> None:
        if self.flow.read_paused:  # it is the application that does not read
            self._overdue.start(self._seconds())
            return
        message = f"The request's {self._receiving.value} did not arrive within {self._seconds():g} seconds"
        rejection = Rejection(code=Code.VALIDATION_ERROR, message=message)
        self.refuse(HTTPStatus.REQUEST_TIMEOUT, rejection)

    def _keep_alive(self) -> None:
        self.timeout_keep_alive_task = self.loop.call_later(self.timeout_keep_alive, self.timeout_keep_alive_handler)

    def timeout_keep_alive_handler(self) -> None:
        if self.transport.get_write_buffer_size():
            self.transport.abort()  # closing would wait until the client has read its answer
        else:
            super().timeout_keep_alive_handler()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.transport.is_closing() and self.transport.get_write_buffer_size():
            self._unread.start(self._bounds.seconds)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._unread.start(self._bounds.seconds)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._unread.stop()

    def connection_lost(self, exc: Exception | None) -> None:
        self._overdue.stop()
        self._unread.stop()
        self._unset_keepalive_if_required()
        super().connection_lost(exc)


class _OutOfBounds(Exception):
    """Ends the parsing from within a callback; httptools raises it as the context of an error of its own."""

    def __init__(self, status: HTTPStatus, rejection: Rejection) -> None:
        super().__init__(rejection.message)
        self.status = status
        self.rejection = rejection


class _Timer:
    """A call after some seconds, unless it is stopped or started again before."""

    def __init__(self, loop: AbstractEventLoop, act: Callable[[], None]) -> None:
        self._loop = loop
        self._act = act
        self._handle: TimerHandle | None = None

    def start(self, seconds: float) -> None:
        self.stop()
        self._handle = self._loop.call_later(seconds, self._act)

    def stop(self) -> None:
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
