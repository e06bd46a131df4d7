"""The engine's query endpoints, for the gateway."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from contracts.definitions import PlaybookDefinition
from services.run_engine.domain import views
from services.run_engine.domain.plan import plan_of
from services.run_engine.domain.situation import Situation, unknown_step
from services.run_engine.domain.state import RunState
from services.run_engine.execution import not_found
from services.run_engine.organizations import OrganizationStore
from services.run_engine.reads import RunReads
from services.run_engine.run_list import RunFilters, RunSort
from services.run_engine.sealing.legible import Legible, Seen, Sight
from services.run_engine.store import RunStore
from shared import clock
from shared.errors import Refused
from shared.http import success
from shared.mongo import Document
from shared.pages import DEFAULT_LIMIT, MAX_LIMIT

Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT)]


def router(reads: RunReads, store: RunStore, organizations: OrganizationStore, legible: Legible) -> APIRouter:
    routes = APIRouter(prefix="/internal")

    @routes.get("/runs/open")
    async def open_runs(organization_id: str, playbook_id: str) -> Response:
        return success({"open_runs": await reads.open_runs(organization_id, playbook_id)})

    @routes.get("/runs/heads")
    async def heads(limit: Annotated[int, Query(ge=1, le=1000)], after: str = "") -> Response:
        """For the check of all histories: which runs there are, and where each ends."""
        return success({"heads": await reads.heads(after, limit)})

    @routes.get("/runs/{run_id}/head")
    async def head(run_id: str, organization_id: str) -> Response:
        found = await reads.head(organization_id, run_id)
        if found is None:
            raise Refused.because(not_found(run_id))
        return success(found)

    @routes.get("/runs/{run_id}/definition")
    async def definition(run_id: str, organization_id: str) -> Response:
        """The revision that the run is pinned to, there as long as the run, whatever became of the playbook."""
        state, _ = await reads.run(organization_id, run_id)
        return success((await definition_of(state, store)).model_dump(mode="json", exclude_unset=True))

    @routes.get("/runs/{run_id}/commands/{command_id}")
    async def answer(run_id: str, command_id: str, organization_id: str) -> Response:
        found = await store.outcome(organization_id, run_id, command_id)
        reply = found.reply.model_dump(mode="json") if found is not None else None
        return success({"reply": reply, "fingerprint": found.fingerprint if found is not None else None})

    @routes.get("/runs/{run_id}/why")
    async def why(run_id: str, organization_id: str, sight: Seen) -> Response:
        state, incident = await reads.run(organization_id, run_id)
        plan = plan_of(await definition_of(state, store))
        (seen,) = await legible.runs([(state, plan)], sight)
        at = Situation(plan, await organizations.of(organization_id), clock.now())
        return success({**views.waiting_view(seen, at), **_incident(incident)})

    @routes.get("/runs/{run_id}/steps/{step_id}")
    async def step(run_id: str, step_id: str, organization_id: str, sight: Seen) -> Response:
        state, _ = await reads.run(organization_id, run_id)
        if step_id not in state.steps:
            raise Refused.because(unknown_step(state, step_id))
        plan = plan_of(await definition_of(state, store))
        (seen,) = await legible.runs([(state, plan)], sight)
        return success(views.step_view(seen, seen.steps[step_id], plan.by_id[step_id]))

    @routes.get("/runs/{run_id}")
    async def run(run_id: str, organization_id: str, sight: Seen) -> Response:
        state, incident = await reads.run(organization_id, run_id)
        (view,) = await _shown([state], store, legible, sight)
        return success({**view, **_incident(incident)}, headers={"ETag": f'"{state.sequence}"'})

    @routes.get("/runs")
    async def runs(
        organization_id: str,
        filters: Annotated[RunFilters, Depends()],
        sight: Seen,
        sort: RunSort | None = None,
        cursor: str | None = None,
        limit: Limit = DEFAULT_LIMIT,
    ) -> Response:
        page = await reads.runs(organization_id, filters, sort, cursor, limit)
        items = await _shown(page.items, store, legible, sight)
        return success({"runs": items, **page.about()})

    return routes


def _incident(incident: Document | None) -> Document:
    return {"incident": {n: value for n, value in incident.items() if n != "since"}} if incident else {}


async def _shown(states: Sequence[RunState], store: RunStore, legible: Legible, sight: Sight) -> list[Document]:
    """Returns the runs as the caller may see them."""
    plans = [plan_of(await definition_of(state, store)) for state in states]
    seen = await legible.runs(list(zip(states, plans, strict=True)), sight)
    return [views.run_view(state, plan) for state, plan in zip(seen, plans, strict=True)]


async def definition_of(state: RunState, store: RunStore) -> PlaybookDefinition:
    key = (state.playbook.playbook_id, state.playbook.revision)
    return (await store.definitions([key]))[key]
