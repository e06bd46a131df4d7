"""Tokens of a caller: one that is given, or those that a source gives, renewed before they expire."""

import asyncio
import base64
import inspect
import json
import time
from collections.abc import Awaitable, Callable

TokenSource = Callable[[], str | Awaitable[str]]
"""Returns a valid token each time that it is called. All of its tokens must name the same user and organization."""
_RENEW_BEFORE_SECONDS = 30.0


class Tokens:
    """The token to send. A source is asked for the first one, for another one 30 s before a JSON Web Token expires (in
    the last tenth of a shorter life), and where a token was refused."""

    def __init__(self, source: str | TokenSource, clock: Callable[[], float] = time.time) -> None:
        self._source = source
        self._clock = clock
        self._token: str | None = source if isinstance(source, str) else None
        self._renew_at: float | None = None
        self._renewing = asyncio.Lock()

    @property
    def can_renew(self) -> bool:
        return not isinstance(self._source, str)

    async def current(self) -> str:
        """Raises what the source raises."""
        if self._token is not None and not self._is_due():
            return self._token
        async with self._renewing:
            if self._token is None or self._is_due():
                await self._renew()
        assert self._token is not None
        return self._token

    async def after_refusal(self, refused: str) -> str:
        """Returns another token than the refused one, which many requests may have carried: one of them renews it."""
        async with self._renewing:
            if self._token == refused:
                await self._renew()
        assert self._token is not None
        return self._token

    def _is_due(self) -> bool:
        return self._renew_at is not None and self._clock() >= self._renew_at

    async def _renew(self) -> None:
        assert not isinstance(self._source, str)
        given = self._source()
        self._token = await given if inspect.isawaitable(given) else given
        self._renew_at = self._time_to_renew(self._token)

    def _time_to_renew(self, token: str) -> float | None:
        """Returns None for a token that does not say when it expires."""
        expires_at, now = _expiry(token), self._clock()
        if expires_at is None:
            return None
        return expires_at - min(_RENEW_BEFORE_SECONDS, max(0.0, expires_at - now) / 10)


def _expiry(token: str) -> float | None:
    """Returns the `exp` claim of a JSON Web Token, unverified: verifying it is the gateway's task."""
    try:
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return float(claims["exp"])
    except (IndexError, ValueError, KeyError, TypeError):
        return None
