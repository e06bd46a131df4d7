"""Analytics over runs."""

from fastapi import Request, Response

from services.gateway.admission import Admission
from services.gateway.owners import Owner


class AnalyticsRoutes:
    def __init__(self, admission: Admission, analytics: Owner) -> None:
        self._admission = admission
        self._analytics = analytics

    async def runs(self, request: Request) -> Response:
        admitted = await self._admission.command(request, "run:read")
        tenant = [("organization_id", admitted.identity.organization_id)]
        return (await self._analytics.post("/internal/analytics/playbook-runs", tenant, admitted.raw)).response()
