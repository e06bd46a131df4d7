"""Routes that FastAPI documents and Starlette runs."""

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.routing import request_response

Endpoint = Callable[[Request], Awaitable[Response]]


class PlainRoute(APIRoute):
    """Hands the bare request to the endpoint.

    FastAPI's injection, its second reading of the body and its check of the answer cost more than all that the gateway
    does for a request; the endpoints read and check for themselves.
    """

    def __init__(
        self, method: str, path: str, endpoint: Endpoint, query_names: frozenset[str], **documentation: Any
    ) -> None:
        super().__init__(path, endpoint, methods=[method], response_model=None, **documentation)
        self.methods: set[str] = {method}
        self.query_names = query_names
        self.app = request_response(endpoint)
