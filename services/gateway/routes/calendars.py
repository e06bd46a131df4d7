"""Calendars: list, read, put, delete, history."""

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import Request, Response

from contracts.calendars import KIND
from contracts.commands import Command
from contracts.organization_documents import (
    DeleteOrganizationDocument,
    PutOrganizationDocument,
    local_key,
)
from contracts.rejections import Code
from services.gateway.admission import Admission
from services.gateway.commands import Commands, Errand, Prepare
from services.gateway.in_force import InForce
from services.gateway.owners import Owner
from services.gateway.routes.documents import DocumentReads
from services.gateway.routes.paths import CALENDARS, calendar_of, if_match, query_of
from services.gateway.shapes.checking import shaped
from services.gateway.shapes.requests import CalendarPut
from shared.errors import Refused

_SHOWN = 20


class CalendarRoutes(DocumentReads):
    def __init__(
        self, admission: Admission, commands: Commands, registry: Owner, run_engine: Owner, in_force: InForce
    ) -> None:
        super().__init__(admission, registry, "calendars", calendar_of)
        self._commands = commands
        self._run_engine = run_engine
        self._in_force = in_force

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
        errand = self._errand(name, command.organization_id, command)
        return await self._commands.run(await self._commands.wish_of(request, admitted), errand)

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

        async def unused() -> Command:
            await self._unused(request, command)
            return command

        errand = self._errand(name, command.organization_id, unused)
        return await self._commands.run(await self._commands.wish_of(request, admitted), errand)

    async def _unused(self, request: Request, command: DeleteOrganizationDocument) -> None:
        """What names it in between is reckoned around the clock."""
        name, params = command.name, query_of(request, command.organization_id)
        playbooks = (await self._registry.get(f"/internal/calendars/{name}/playbooks", params)).data()["playbooks"]
        path = "/internal/organization-documents/calendar/open-runs"
        uses = (await self._run_engine.get(path, [("name", name), *params])).data()
        if playbooks or uses["open_runs"]:
            raise _in_use(name, playbooks, uses)

    def _errand(self, name: str, organization_id: str, command: Command | Prepare) -> Errand:
        async def in_force(result: Mapping[str, Any]) -> bool:
            return await self._in_force.wait(organization_id, KIND, name, result["revision"])

        key, location = local_key(KIND, name), f"{CALENDARS}/{name}"
        return Errand("calendar", key, command, 200, location, {"calendar": name}, in_force)


def _in_use(name: str, playbooks: Sequence[Mapping[str, str]], uses: Mapping[str, Any]) -> Refused:
    return Refused(
        Code.CONFLICT,
        f"Calendar {name} is in use",
        field="calendar",
        value=name,
        reason="Their dates would be reckoned around the clock: change the playbooks that name it, or PUT other hours;"
        " runs keep the revision of their playbook until they end",
        playbooks=playbooks[:_SHOWN],
        playbooks_total=len(playbooks),
        open_runs=uses["open_runs"],
        open_runs_of=uses["playbook_ids"][:_SHOWN],
    )
