"""The engine's query endpoints about organisations' documents, for the gateway."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from services.run_engine.calendar_uses import CalendarUses
from services.run_engine.organizations import OrganizationReads
from services.run_engine.trials import Trials
from shared.http import success

BEHIND = {"X-Consistency": "behind"}


def router(reads: OrganizationReads, trials: Trials, uses: CalendarUses) -> APIRouter:
    routes = APIRouter(prefix="/internal/organization-documents")

    @routes.get("/{kind}/in-force")
    async def in_force(
        kind: str, organization_id: str, min_revision: Annotated[int, Query(ge=0)], name: str = ""
    ) -> Response:
        """Answers once the revision decides about commands, or that it does not yet."""
        there = await reads.is_in_force(organization_id, kind, name, min_revision)
        return success({"in_force": there}, headers={} if there else BEHIND)

    @routes.post("/{kind}/trial")
    async def trial(kind: str, organization_id: str, document: dict[str, Any], cursor: str | None = None) -> Response:
        """What the document, which has been found sound, would mean for open runs."""
        return success(await trials.on_open_runs(organization_id, kind, document, cursor))

    @routes.get("/calendar/open-runs")
    async def open_runs(organization_id: str, name: str) -> Response:
        """Those whose revision of their playbook names the calendar."""
        return success(await uses.open_runs(organization_id, name))

    return routes
