"""Reads: HTTP to the service that owns the answer, which is passed on as it came."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

import httpx
import orjson
from fastapi import Response

from contracts.rejections import Code, Rejection
from shared.correlation import correlation
from shared.errors import Refused, Unavailable

Params = list[tuple[str, str]]
CONSISTENCY = "X-Consistency"


@dataclass(frozen=True, slots=True)
class Answer:
    """What an owner said, in the envelope of the public API."""

    status: int
    body: bytes
    consistency: str | None = None

    def data(self) -> dict[str, Any]:
        """Raises Refused with the owner's error."""
        content = orjson.loads(self.body)
        if content["success"]:
            data: dict[str, Any] = content["data"]
            return data
        raise Refused.because(Rejection.model_validate(content["error"]))

    def response(self) -> Response:
        headers = {"Retry-After": "1"} if self.status == 503 else {}
        if self.consistency:
            headers[CONSISTENCY] = self.consistency
        return Response(self.body, self.status, headers, media_type="application/json")


class Owner:
    """A service that owns answers. Raises Unavailable where it doesn't answer."""

    def __init__(self, name: str, url: str, timeout_seconds: float) -> None:
        self.name = name
        self._client = httpx.AsyncClient(
            base_url=url,
            timeout=httpx.Timeout(timeout_seconds, connect=2.0),
            limits=httpx.Limits(max_connections=64, max_keepalive_connections=64, keepalive_expiry=4.0),
        )

    async def get(self, path: str, params: Params) -> Answer:
        return await self._ask("GET", path, params, None)

    async def post(self, path: str, params: Params, body: bytes) -> Answer:
        """For questions that need a body; they change nothing."""
        return await self._ask("POST", path, params, body)

    async def close(self) -> None:
        await self._client.aclose()

    async def _ask(self, method: str, path: str, params: Params, body: bytes | None) -> Answer:
        try:
            answer = await self._send(method, path, params, body)
        except (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError):
            answer = await self._again(method, path, params, body)
        except httpx.TransportError as error:
            raise self._silent(error) from error
        return self._checked(answer)

    async def _again(self, method: str, path: str, params: Params, body: bytes | None) -> httpx.Response:
        # A kept connection whose other end has been restarted breaks at its next use; a fresh one may well work.
        try:
            return await self._send(method, path, params, body)
        except httpx.TransportError as error:
            raise self._silent(error) from error

    async def _send(self, method: str, path: str, params: Params, body: bytes | None) -> httpx.Response:
        current = correlation()
        headers = {"X-Request-ID": current.correlation_id, "Content-Type": "application/json"}
        if current.traceparent:
            headers["traceparent"] = current.traceparent
        return await self._client.request(method, f"{path}?{urlencode(params)}", content=body, headers=headers)

    def _checked(self, answer: httpx.Response) -> Answer:
        if not answer.content.startswith(b'{"success":'):
            raise Unavailable(f"{self.name} gave no answer that can be used (status {answer.status_code})")
        return Answer(answer.status_code, answer.content, answer.headers.get(CONSISTENCY))

    def _silent(self, error: httpx.TransportError) -> Unavailable:
        return Unavailable(f"{self.name} does not answer: {type(error).__name__}")


def segment(value: str) -> str:
    """A value as one segment of a path."""
    return quote(value, safe="")


def not_found(kind: str, field: str, value: str) -> Refused:
    """An id that no service could have given out."""
    return Refused(Code.NOT_FOUND, f"{kind} {value} was not found", field=field, value=value)
