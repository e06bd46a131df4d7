"""The HTTP application, with documentation that needs nothing from the internet."""

from functools import cache
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from fastapi_offline import FastAPIOffline
from starlette.routing import Route

from services.gateway.documentation import openapi
from services.gateway.routes.operations import OPERATIONS
from shared.asyncapi import asyncapi

TITLE = "HERA Playbooks"
VERSION = "1.0.0"
DESCRIPTION = (
    "Runs business playbooks. Every answer is `{success, data}` or `{success, error}`. The token's `organization_id`"
    " is the one that counts; bodies carry the same. A POST under an `Idempotency-Key` can be sent again at any time:"
    " it is done once, and a repeat gets the first answer, marked `X-Idempotent-Replay: true`."
    " What Kafka offers beside this is in `/asyncapi.json`."
)


def application() -> FastAPI:
    app = FastAPIOffline(
        title=TITLE,
        version=VERSION,
        redirect_slashes=False,
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    app.openapi = openapi_document  # type: ignore[method-assign]
    app.router.routes.append(Route("/asyncapi.json", _asyncapi))
    return app


@cache
def openapi_document() -> dict[str, Any]:
    return openapi(OPERATIONS, title=TITLE, version=VERSION, description=DESCRIPTION)


@cache
def asyncapi_document() -> dict[str, Any]:
    return asyncapi(title=f"{TITLE} on Kafka", version=VERSION)


async def _asyncapi(_: Request) -> Response:
    return JSONResponse(asyncapi_document())
