"""The keys that an issuer publishes at an address, as they are known here. See docs/decisions/0010."""

import asyncio
import math
from time import monotonic

import orjson
import structlog
from aiohttp import ClientError, ClientSession, ClientTimeout
from jwt import PyJWK
from prometheus_client import Counter

from shared.errors import Unavailable
from shared.jwk_set import KeyRing, read_jwk_set

_TIMEOUT = ClientTimeout(total=5.0, connect=2.0)
_HEADERS = {"Accept": "application/jwk-set+json, application/json"}
_MAX_BYTES = 256 * 1024
FETCHES = Counter("hera_jwks_fetches", "Fetches of the keys that tokens are verified with", ["outcome"])
log = structlog.get_logger()


class PublishedKeys:
    """Fetched every `refresh_seconds`, and when a key is missing, but not within `pause_seconds` of the last fetch.

    Where they can't be fetched, those that are known stay in use for `kept_seconds` from when they last were.
    """

    def __init__(
        self, url: str, refresh_seconds: float = 300, kept_seconds: float = 3600, pause_seconds: float = 10
    ) -> None:
        self._url = url
        self._refresh_seconds = refresh_seconds
        self._kept_seconds = kept_seconds
        self._pause_seconds = pause_seconds
        self._ring = KeyRing(())
        self._document: object = None
        self._fetched_at = self._tried_at = -math.inf
        self._fetching = asyncio.Lock()

    def ring(self) -> KeyRing | None:
        """The keys that may be used now; the same object for as long as they are the same."""
        return self._ring if self._ring and monotonic() < self._fetched_at + self._kept_seconds else None

    def find(self, key_id: str | None, algorithm: str) -> PyJWK | None:
        """None: it is not among those published. Raises Unavailable where that can't be said now."""
        ring = self.ring()
        key = ring.find(key_id, algorithm) if ring else None
        if key is None and (ring is None or self._last_failed()):
            raise Unavailable("The keys that tokens are verified with cannot be fetched now", self._seconds_to_wait())
        return key

    def lacks(self, key_id: str | None, algorithm: str) -> bool:
        ring = self.ring()
        return ring is None or ring.find(key_id, algorithm) is None

    async def refresh(self) -> None:
        """Fetches them, unless that was tried just now; who asks meanwhile waits for the same answer."""
        async with self._fetching:
            if monotonic() >= self._tried_at + self._pause_seconds:
                await self._fetch()

    async def keep_fresh(self) -> None:
        """Waits until they are due, then fetches them: one round of a background loop."""
        pause = self._pause_seconds if self._last_failed() else self._refresh_seconds
        await asyncio.sleep(max(self._tried_at + pause - monotonic(), 0))
        await self.refresh()

    async def _fetch(self) -> None:
        try:
            document = await self._download()
            ring = read_jwk_set(document)
        except (ClientError, OSError, TimeoutError, ValueError) as error:
            self._tried_at = monotonic()
            FETCHES.labels("failed").inc()
            log.warning("jwks_not_fetched", url=self._url, error=repr(error)[:300], known_keys=len(self.ring() or ()))
            return
        self._tried_at = self._fetched_at = monotonic()
        FETCHES.labels("fetched").inc()
        if document != self._document:
            self._document, self._ring = document, ring
            report = log.info if ring else log.error
            report("jwks_changed", url=self._url, usable_keys=ring.ids())

    async def _download(self) -> object:
        """Raises ClientError, OSError, TimeoutError or ValueError."""
        content = b""
        async with (
            ClientSession(timeout=_TIMEOUT, headers=_HEADERS) as session,
            session.get(self._url, allow_redirects=False) as answer,
        ):
            if answer.status != 200:
                raise ValueError(f"status {answer.status}")
            async for chunk in answer.content.iter_chunked(64 * 1024):
                content += chunk
                if len(content) > _MAX_BYTES:
                    raise ValueError(f"more than {_MAX_BYTES} bytes")
        return orjson.loads(content)

    def _last_failed(self) -> bool:
        return self._tried_at != self._fetched_at

    def _seconds_to_wait(self) -> int:
        """Until another fetch may be tried; 1 or more."""
        left = self._tried_at + self._pause_seconds - monotonic()
        return max(1, math.ceil(left)) if left > 0 else 1
