"""What is read of an organisation's documents alike, whatever their kind."""

from collections.abc import Callable

from fastapi import Request, Response

from services.gateway.admission import Admission
from services.gateway.owners import Owner
from services.gateway.routes.paths import query_of


class DocumentReads:
    """The registry's documents of one kind: all of them, one with its ETag, its revisions page by page."""

    def __init__(self, admission: Admission, registry: Owner, kind: str, name_of: Callable[[Request], str]) -> None:
        """`kind` names their path, such as `policies`; `name_of` raises Refused for what can be no name."""
        self._admission = admission
        self._registry = registry
        self._path = f"/internal/{kind}"
        self._name_of = name_of

    async def listing(self, request: Request) -> Response:
        identity = self._admission.query(request, "policy:read")
        return (await self._registry.get(self._path, query_of(request, identity.organization_id))).response()

    async def read(self, request: Request) -> Response:
        identity = self._admission.query(request, "policy:read")
        path = f"{self._path}/{self._name_of(request)}"
        answer = await self._registry.get(path, query_of(request, identity.organization_id))
        return answer.response(request.headers.get("if-none-match"))

    async def history(self, request: Request) -> Response:
        identity = self._admission.query(request, "policy:read")
        path = f"{self._path}/{self._name_of(request)}/history"
        params = query_of(request, identity.organization_id, "limit", "cursor")
        return (await self._registry.get(path, params)).response()
