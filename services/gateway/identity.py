"""Who vouches for callers: a shared secret, an issuer that publishes its keys, or both."""

import structlog
from starlette.types import ASGIApp, Receive, Scope, Send

from services.gateway.settings import GatewaySettings
from shared.auth import TokenVerifier
from shared.published_keys import PublishedKeys

log = structlog.get_logger()


def published_keys(settings: GatewaySettings) -> PublishedKeys | None:
    """Those at JWT_JWKS_URL, where it is set."""
    if settings.jwt_jwks_url is None:
        return None
    if settings.jwt_any_issuer:
        log.warning("jwt_issuer_not_checked", reason="JWT_ANY_ISSUER is true")
    if settings.jwt_any_audience:
        log.warning("jwt_audience_not_checked", reason="JWT_ANY_AUDIENCE is true")
    return PublishedKeys(
        settings.jwt_jwks_url,
        settings.jwt_jwks_refresh_seconds,
        settings.jwt_jwks_kept_seconds,
        settings.jwt_jwks_pause_seconds,
    )


def token_verifier(settings: GatewaySettings, published: PublishedKeys | None) -> TokenVerifier:
    return TokenVerifier(
        settings.jwt_secret, settings.jwt_issuer, settings.jwt_audience, settings.jwt_leeway_seconds, published
    )


def authorization_of(scope: Scope) -> str | None:
    value = next((value for name, value in scope["headers"] if name == b"authorization"), None)
    return None if value is None else value.decode("latin-1")


class FreshKeys:
    """ASGI middleware: before a request whose token names a key that is not known, the keys are fetched anew.

    Everything behind it verifies at once, without waiting for anything.
    """

    def __init__(self, app: ASGIApp, verifier: TokenVerifier, published: PublishedKeys) -> None:
        self._app = app
        self._verifier = verifier
        self._published = published

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and self._verifier.lacks_key(authorization_of(scope)):
            await self._published.refresh()
        await self._app(scope, receive, send)
