"""Who reaches the port of a service is not thereby one of the installation's services: 401 without their token."""

import structlog
from starlette.types import ASGIApp, Receive, Scope, Send

from contracts.rejections import Code, Rejection
from shared.http import failure
from shared.service_token import ServiceToken

_OPEN = frozenset({"/health/live", "/health/ready", "/metrics"})
_STRANGER = Rejection(
    code=Code.UNAUTHORIZED,
    message="This port is for the services of this installation; callers use the gateway",
    details={
        "field": "Authorization",
        "reason": "The header must be 'Bearer <token>', with one of the tokens of SERVICE_TOKEN",
    },
)
log = structlog.get_logger()


class Guard:
    """ASGI middleware of the internal apps. Health and metrics are for everybody."""

    def __init__(self, app: ASGIApp, token: ServiceToken) -> None:
        self._app = app
        self._token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan" or scope["path"] in _OPEN or self._token.admits(_authorization(scope)):
            await self._app(scope, receive, send)
            return
        log.warning("stranger_refused", path=scope["path"], client=scope.get("client"))
        await failure(_STRANGER)(scope, receive, send)


def _authorization(scope: Scope) -> bytes:
    for name, value in scope["headers"]:
        if name == b"authorization":
            return bytes(value)
    return b""
