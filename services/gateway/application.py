"""The HTTP application, with documentation that needs nothing from the internet."""

from collections.abc import Callable
from functools import cache
from typing import Any

import orjson
from fastapi import FastAPI, Request, Response
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
    # Before FastAPI's own, which would write the document anew for everybody who asks: 50 ms of the event loop each.
    app.router.routes[:0] = [Route("/openapi.json", _openapi), Route("/asyncapi.json", _asyncapi)]
    return app


@cache
def openapi_document() -> dict[str, Any]:
    return openapi(OPERATIONS, title=TITLE, version=VERSION, description=DESCRIPTION)


@cache
def asyncapi_document() -> dict[str, Any]:
    return asyncapi(title=f"{TITLE} on Kafka", version=VERSION)


@cache
def _written(document: Callable[[], dict[str, Any]]) -> bytes:
    return orjson.dumps(document())


async def _openapi(_: Request) -> Response:
    return Response(_written(openapi_document), media_type="application/json")


async def _asyncapi(_: Request) -> Response:
    return Response(_written(asyncapi_document), media_type="application/json")
