"""Named secrets of the organization: set, listed without their values, deleted."""

import re

import orjson
from fastapi import Request, Response

from contracts.secrets import NAME_PATTERN, VALUE_PATTERN
from services.gateway.access_log import accessed_by
from services.gateway.admission import Admission, Admitted
from services.gateway.commands import Commands
from services.gateway.owners import Owner, not_found
from services.gateway.routes.paths import query_of
from services.gateway.shapes.checking import shaped
from services.gateway.shapes.requests import SecretPut
from shared.http import invalid

_MANAGE = "secret:manage"
_NAME, _VALUE = re.compile(NAME_PATTERN), re.compile(VALUE_PATTERN)


class SecretRoutes:
    """Values go to the engine over HTTP alone: on no topic, and into no answer that is kept.

    The engine tells repeats apart too: the gateways' store would keep a hash of the value.
    """

    def __init__(self, admission: Admission, commands: Commands, run_engine: Owner) -> None:
        self._admission = admission
        self._commands = commands
        self._run_engine = run_engine

    async def put(self, request: Request) -> Response:
        admitted = await self._admission.command(request, _MANAGE)
        name: str = request.path_params["name"]
        if not _NAME.fullmatch(name):
            reason = "A name begins with a letter and has up to 64 lower-case letters, digits, _ and -"
            raise invalid({"field": "name", "value": name[:200], "reason": reason})
        value = shaped(SecretPut, admitted).secret.value
        if not isinstance(value, str) or not _VALUE.fullmatch(value):
            reason = "A secret has 8 to 4,096 printable ASCII characters, without blanks around it"
            raise invalid({"field": "secret.value", "reason": reason})  # without what was sent
        return await self._ask(request, admitted, name, orjson.dumps({"value": value}))

    async def delete(self, request: Request) -> Response:
        admitted = self._admission.bare_command(request, _MANAGE)
        return await self._ask(request, admitted, f"{_known_name(request)}/deletions", b"")

    async def listing(self, request: Request) -> Response:
        identity = self._admission.query(request, "secret:read")
        return (await self._run_engine.get("/internal/secrets", query_of(request, identity.organization_id))).response()

    async def _ask(self, request: Request, admitted: Admitted, path: str, body: bytes) -> Response:
        wish, identity = await self._commands.wish_of(request, admitted), admitted.identity
        params = [*query_of(request, identity.organization_id), *accessed_by(request, identity), *wish.repeatable]
        return (await self._run_engine.post(f"/internal/secrets/{path}", params, body)).response()


def _known_name(request: Request) -> str:
    """Raises Refused (NOT_FOUND) for what can be no secret's name."""
    name: str = request.path_params["name"]
    if not _NAME.fullmatch(name):
        raise not_found("Secret", "name", name[:200])
    return name
