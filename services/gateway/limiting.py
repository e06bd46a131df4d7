"""Between the edge and the routes: whoever has asked too much already is told so, everybody how much is left."""

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from contracts.rejections import Code, Rejection
from services.gateway.access_log import note_caller
from services.gateway.identity import authorization_of
from services.gateway.rate_limits import RateLimits, Standing
from shared.auth import TokenVerifier
from shared.errors import Refused, Unavailable
from shared.http import failure


class Limiting:
    """ASGI middleware. Without a valid token no organisation is known: nothing is counted, the routes refuse it."""

    def __init__(self, app: ASGIApp, verifier: TokenVerifier, limits: RateLimits) -> None:
        self._app = app
        self._verifier = verifier
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        organization_id = self._organization(scope) if scope["type"] == "http" else None
        if organization_id is None:
            await self._app(scope, receive, send)
            return
        standing = await self._limits.take(organization_id)
        scope["rate_limit"] = standing.headers()  # for an answer that is made further out

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(standing.headers())
            await send(message)

        app = self._app if standing.allowed else _refusal(standing)
        await app(scope, receive, answer)

    def _organization(self, scope: Scope) -> str | None:
        authorization = authorization_of(scope)
        if authorization is None:
            return None
        try:
            identity = self._verifier.verify(authorization)
        except (Refused, Unavailable):
            return None
        note_caller(scope, identity)
        return identity.organization_id


def _refusal(standing: Standing) -> ASGIApp:
    rejection = Rejection(
        code=Code.RATE_LIMITED,
        message=f"The organization has used up its {standing.limit} requests of this minute",
        details={
            "limit": standing.limit,
            "retry_after_seconds": standing.seconds_left(),
            "reason": "Try again when the window has passed",
        },
    )
    return failure(rejection, {"Retry-After": str(standing.seconds_left())})
