"""Delegations: make, list, read, revoke."""

from collections.abc import Mapping
from typing import Any

from fastapi import Request, Response

from contracts.commands import Command
from contracts.organization_documents import CreateDelegation, RevokeDelegation
from contracts.policies import DELEGATION
from services.gateway.admission import Admission
from services.gateway.commands import Commands, Errand
from services.gateway.in_force import InForce
from services.gateway.owners import Owner
from services.gateway.routes.paths import DELEGATIONS, delegation_id_of, query_of
from services.gateway.shapes.checking import shaped_with_times
from services.gateway.shapes.requests import DelegationCreation


class DelegationRoutes:
    """A delegation counts, and counts no more, when it is answered."""

    def __init__(self, admission: Admission, commands: Commands, registry: Owner, in_force: InForce) -> None:
        self._admission = admission
        self._commands = commands
        self._registry = registry
        self._in_force = in_force

    async def create(self, request: Request) -> Response:
        admitted = await self._admission.command(request, "step:complete")
        asked = shaped_with_times(DelegationCreation, admitted).delegation
        wish = await self._commands.wish_of(request, admitted)
        caller, delegation_id = admitted.identity.caller, wish.id_of("dlg")
        command = CreateDelegation(
            caller=caller,
            delegation_id=delegation_id,
            organization_id=wish.organization_id,
            delegator=asked.delegator or caller.id,
            substitute=asked.substitute,
            roles=tuple(dict.fromkeys(asked.roles)) if asked.roles is not None else None,
            starts_at=asked.starts_at,
            ends_at=asked.ends_at,
            reason=asked.reason,
        )
        return await self._commands.run(wish, self._errand(wish.organization_id, delegation_id, command, 201))

    async def revoke(self, request: Request) -> Response:
        admitted = self._admission.bare_command(request, "step:complete")
        delegation_id, organization_id = delegation_id_of(request), admitted.identity.organization_id
        command = RevokeDelegation(
            caller=admitted.identity.caller, delegation_id=delegation_id, organization_id=organization_id
        )
        errand = self._errand(organization_id, delegation_id, command, 200)
        return await self._commands.run(await self._commands.wish_of(request, admitted), errand)

    async def listing(self, request: Request) -> Response:
        identity = self._admission.query(request, "run:read")
        names = ("delegator", "substitute", "ends_from", "limit", "cursor")
        params = query_of(request, identity.organization_id, *names)
        return (await self._registry.get("/internal/delegations", params)).response()

    async def read(self, request: Request) -> Response:
        identity = self._admission.query(request, "run:read")
        path = f"/internal/delegations/{delegation_id_of(request)}"
        return (await self._registry.get(path, query_of(request, identity.organization_id))).response()

    def _errand(self, organization_id: str, delegation_id: str, command: Command, status: int) -> Errand:
        async def in_force(result: Mapping[str, Any]) -> bool:
            return await self._in_force.wait(organization_id, DELEGATION, delegation_id, result["revision"])

        location = f"{DELEGATIONS}/{delegation_id}"
        return Errand(
            "delegation", delegation_id, command, status, location, {"delegation_id": delegation_id}, in_force
        )
