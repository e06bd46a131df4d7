"""Calendars: list, read, put, delete, history."""

from collections.abc import Mapping
from typing import Any

from fastapi import Request, Response

from contracts.calendars import KIND
from contracts.organization_documents import (
    DeleteOrganizationDocument,
    DocumentCommand,
    PutOrganizationDocument,
    local_key,
)
from services.gateway.admission import Admission, Admitted
from services.gateway.commands import Commands, Errand, wish_of
from services.gateway.in_force import InForce
from services.gateway.owners import Owner
from services.gateway.routes.paths import CALENDARS, calendar_of, if_match, query_of
from services.gateway.shapes.checking import shaped
from services.gateway.shapes.requests import CalendarPut


class CalendarRoutes:
    def __init__(self, admission: Admission, commands: Commands, registry: Owner, in_force: InForce) -> None:
        self._admission = admission
        self._commands = commands
        self._registry = registry
        self._in_force = in_force

    async def listing(self, request: Request) -> Response:
        identity = self._admission.query(request, "policy:read")
        params = query_of(request, identity.organization_id)
        return (await self._registry.get("/internal/calendars", params)).response()

    async def read(self, request: Request) -> Response:
        identity = self._admission.query(request, "policy:read")
        path = f"/internal/calendars/{calendar_of(request)}"
        answer = await self._registry.get(path, query_of(request, identity.organization_id))
        return answer.response(request.headers.get("if-none-match"))

    async def history(self, request: Request) -> Response:
        identity = self._admission.query(request, "policy:read")
        path = f"/internal/calendars/{calendar_of(request)}/history"
        params = query_of(request, identity.organization_id, "limit", "cursor")
        return (await self._registry.get(path, params)).response()

    async def put(self, request: Request) -> Response:
        """Answered when the engine reckons with it."""
        admitted = await self._admission.command(request, "policy:update")
        name, asked = calendar_of(request), shaped(CalendarPut, admitted)
        command = PutOrganizationDocument(
            caller=admitted.identity.caller,
            organization_id=admitted.identity.organization_id,
            kind=KIND,
            name=name,
            content=asked.document,
            if_match=if_match(request),
            comment=asked.comment,
        )
        return await self._sent(request, admitted, name, command)

    async def delete(self, request: Request) -> Response:
        admitted = self._admission.bare_command(request, "policy:update")
        name = calendar_of(request)
        command = DeleteOrganizationDocument(
            caller=admitted.identity.caller,
            organization_id=admitted.identity.organization_id,
            kind=KIND,
            name=name,
            if_match=if_match(request),
        )
        return await self._sent(request, admitted, name, command)

    async def _sent(self, request: Request, admitted: Admitted, name: str, command: DocumentCommand) -> Response:
        async def in_force(result: Mapping[str, Any]) -> bool:
            return await self._in_force.wait(command.organization_id, KIND, name, result["revision"])

        key, location = local_key(KIND, name), f"{CALENDARS}/{name}"
        errand = Errand("calendar", key, command, 200, location, {"calendar": name}, in_force)
        return await self._commands.run(wish_of(request, admitted), errand)
