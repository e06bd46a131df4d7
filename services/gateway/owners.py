"""Reads: HTTP to the service that owns the answer, which is passed on as it came."""

from dataclasses import dataclass
from ssl import SSLContext
from typing import Any
from urllib.parse import quote, urlencode

import orjson
from aiohttp import (
    ClientConnectorCertificateError,
    ClientError,
    ClientOSError,
    ClientSession,
    ClientTimeout,
    DummyCookieJar,
    ServerDisconnectedError,
    TCPConnector,
)
from fastapi import Response
from yarl import URL

from contracts.rejections import Code, Rejection
from shared.correlation import correlation
from shared.errors import Refused, Unavailable
from shared.service_token import ServiceToken

Params = list[tuple[str, str]]
CONSISTENCY = "X-Consistency"
BEHIND = "behind"
REPLAYED = "X-Idempotent-Replay"
_CONNECT_SECONDS = 2.0
_KEPT_SECONDS = 30.0
"""Less than the seconds after which a service closes an idle connection (shared/service.py)."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What an owner said, in the envelope of the public API."""

    status: int
    body: bytes
    consistency: str | None = None
    etag: str | None = None
    replayed: str | None = None
    """`X-Idempotent-Replay`, of an owner that tells repeats apart itself."""

    def data(self) -> dict[str, Any]:
        """Raises Refused with the owner's error."""
        content = orjson.loads(self.body)
        if content["success"]:
            data: dict[str, Any] = content["data"]
            return data
        raise Refused.because(Rejection.model_validate(content["error"]))

    def response(self, if_none_match: str | None = None) -> Response:
        """304 where the caller has it already."""
        headers = {"Retry-After": "1"} if self.status == 503 else {}
        if self.consistency:
            headers[CONSISTENCY] = self.consistency
        if self.replayed:
            headers[REPLAYED] = self.replayed
        if self.etag:
            headers["ETag"] = self.etag
            if if_none_match is not None and is_among(self.etag, if_none_match):
                return Response(status_code=304, headers=headers)
        return Response(self.body, self.status, headers, media_type="application/json")


def is_among(etag: str, if_none_match: str) -> bool:
    """As RFC 9110, 13.1.2, has it: weak ones count too."""
    return if_none_match.strip() == "*" or etag in [
        part.strip().removeprefix("W/") for part in if_none_match.split(",")
    ]


class Owner:
    """A service that owns answers. Raises Unavailable where it doesn't answer."""

    def __init__(
        self, name: str, url: str, timeout_seconds: float, token: ServiceToken, tls: SSLContext | bool = True
    ) -> None:
        self.name = name
        self._token = token
        self._tls = tls
        self._url = url.rstrip("/")
        self._timeout = ClientTimeout(total=timeout_seconds, connect=_CONNECT_SECONDS)
        self._session: ClientSession | None = None

    async def get(self, path: str, params: Params) -> Answer:
        return await self._ask("GET", path, params, None)

    async def post(self, path: str, params: Params, body: bytes) -> Answer:
        """For questions that need a body, and for what may as well be done twice."""
        return await self._ask("POST", path, params, body)

    async def close(self) -> None:
        if self._session:
            await self._session.close()

    async def _ask(self, method: str, path: str, params: Params, body: bytes | None) -> Answer:
        try:
            try:
                return await self._send(method, path, params, body)
            except ClientConnectorCertificateError:
                raise
            except (ServerDisconnectedError, ClientOSError):
                # A kept connection whose other end was restarted breaks at its next use; a fresh one may well work.
                return await self._send(method, path, params, body)
        except ClientConnectorCertificateError as error:
            raise Unavailable(f"{self.name} shows a certificate by no authority of SERVICE_TLS_CA_FILE") from error
        except (ClientError, TimeoutError) as error:
            raise Unavailable(f"{self.name} does not answer: {type(error).__name__}") from error

    async def _send(self, method: str, path: str, params: Params, body: bytes | None) -> Answer:
        url = URL(f"{self._url}{path}?{urlencode(params)}", encoded=True)
        async with self._connections().request(
            method, url, data=body, headers=_headers() | self._token.headers, allow_redirects=False
        ) as answer:
            content = await answer.read()
        if answer.status == 401:  # it is this service that is not known, not its caller
            raise Unavailable(f"{self.name} does not take this gateway's SERVICE_TOKEN")
        if not content.startswith(b'{"success":'):
            raise Unavailable(f"{self.name} gave no answer that can be used (status {answer.status})")
        told = (answer.headers.get(name) for name in (CONSISTENCY, "ETag", REPLAYED))
        return Answer(answer.status, content, *told)

    def _connections(self) -> ClientSession:
        if self._session is None:
            self._session = ClientSession(
                connector=TCPConnector(limit=64, keepalive_timeout=_KEPT_SECONDS, ssl=self._tls),
                cookie_jar=DummyCookieJar(),
                timeout=self._timeout,
                skip_auto_headers=("Accept-Encoding", "User-Agent"),
            )
        return self._session


def _headers() -> dict[str, str]:
    current = correlation()
    headers = {"X-Request-ID": current.correlation_id, "Content-Type": "application/json"}
    if current.traceparent:
        headers["traceparent"] = current.traceparent
    return headers


def segment(value: str) -> str:
    """A value as one segment of a path."""
    return quote(value, safe="")


def not_found(kind: str, field: str, value: str) -> Refused:
    """An id that no service could have given out."""
    return Refused(Code.NOT_FOUND, f"{kind} {value} was not found", field=field, value=value)
