"""Analytics over runs."""

from fastapi import Request, Response

from services.gateway.admission import Admission
from services.gateway.commands import Commands
from services.gateway.owners import Owner


class AnalyticsRoutes:
    def __init__(self, admission: Admission, commands: Commands, analytics: Owner) -> None:
        self._admission = admission
        self._commands = commands
        self._analytics = analytics

    async def runs(self, request: Request) -> Response:
        admitted = await self._admission.command(request, "run:read")
        tenant = [("organization_id", admitted.identity.organization_id)]

        async def ask() -> Response:
            return (await self._analytics.post("/internal/analytics/playbook-runs", tenant, admitted.raw)).response()

        return await self._commands.once(await self._commands.wish_of(request, admitted), ask)
