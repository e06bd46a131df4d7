"""What the gateway asks of the access log, and what it writes into it."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from contracts.access_log import AccessOutcome, AccessRecord
from services.run_engine.access_log.store import AccessLog
from services.run_engine.execution import not_found
from services.run_engine.reads import RunReads
from shared.errors import Refused
from shared.http import success
from shared.pages import DEFAULT_LIMIT, MAX_LIMIT

Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT)]


def router(log: AccessLog, reads: RunReads) -> APIRouter:
    routes = APIRouter(prefix="/internal")

    @routes.post("/access-log")
    async def store(records: list[AccessRecord]) -> Response:
        await log.store(records)
        return success({"stored": len(records)})

    @routes.get("/access-log")
    async def of_organization(
        organization_id: str,
        outcome: AccessOutcome | None = None,
        cursor: str | None = None,
        limit: Limit = DEFAULT_LIMIT,
    ) -> Response:
        page = await log.of_organization(organization_id, outcome, cursor, limit)
        return success({"access_log": page.items, **page.about()})

    @routes.get("/runs/{run_id}/access-log")
    async def of_run(
        run_id: str,
        organization_id: str,
        outcome: AccessOutcome | None = None,
        cursor: str | None = None,
        limit: Limit = DEFAULT_LIMIT,
    ) -> Response:
        if await reads.head(organization_id, run_id) is None:
            raise Refused.because(not_found(run_id))
        page = await log.of_run(organization_id, run_id, outcome, cursor, limit)
        return success({"run_id": run_id, "access_log": page.items, **page.about()})

    return routes
