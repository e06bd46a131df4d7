"""Around every request: its id, its place in the metrics, and the envelope for what nobody expected."""

import re
from time import perf_counter
from typing import Any

import structlog
from opentelemetry.trace import Span
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from contracts.rejections import Code, Rejection
from shared import tracing
from shared.correlation import Correlation, set_correlation
from shared.http import failure
from shared.ids import new_id
from shared.metrics import HTTP_SECONDS

_REQUEST_ID = re.compile(rb"[\x21-\x7e]{1,128}")
_TRACEPARENT = re.compile(rb"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})
log = structlog.get_logger()


class Edge:
    """ASGI middleware: takes or makes `X-Request-ID`, says it on every answer, and observes the time."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._seconds: dict[tuple[str, str, int], Any] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = perf_counter()
        request_id = _correlate(scope)
        span = tracing.begin_request(scope["method"], scope["path"])
        status = 0

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"].append((b"x-request-id", request_id))
            await send(message)

        try:
            await self._app(scope, receive, answer)
        except ClientDisconnect:
            status = 499  # nobody is there to be told; the number is nginx's
        except Exception as error:
            log.error("request_failed", path=scope["path"], exc_info=error)
            if status == 0:
                await failure(_SURPRISE, scope.get("rate_limit"))(scope, receive, answer)
        finally:
            self._observe(scope, status, perf_counter() - began, span)

    def _observe(self, scope: Scope, status: int, seconds: float, span: Span | None) -> None:
        route = getattr(scope.get("route"), "path", "unmatched")
        method = scope["method"] if scope["method"] in _METHODS else "other"
        observed = self._seconds.get((method, route, status))
        if observed is None:
            observed = self._seconds[method, route, status] = HTTP_SECONDS.labels(method, route, str(status))
        observed.observe(seconds)
        tracing.end_request(span, method, route, status)


_SURPRISE = Rejection(code=Code.INTERNAL_ERROR, message="Something went wrong here; it has been logged")


def _correlate(scope: Scope) -> bytes:
    """Sets the request's correlation; gives its id as a header's value."""
    request_id = traceparent = None
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _REQUEST_ID.fullmatch(value):
            request_id = value
        elif name == b"traceparent" and _TRACEPARENT.fullmatch(value):
            traceparent = value.decode()
    request_id = request_id or new_id("req").encode()
    set_correlation(Correlation(request_id.decode(), traceparent))
    return request_id
