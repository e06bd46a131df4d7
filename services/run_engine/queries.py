"""The engine's query endpoints, for the gateway."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from contracts.definitions import PlaybookDefinition
from services.run_engine.domain import views
from services.run_engine.domain.lifecycle import RunStatus
from services.run_engine.domain.plan import plan_of
from services.run_engine.domain.situation import unknown_step
from services.run_engine.domain.state import RunState
from services.run_engine.execution import not_found
from services.run_engine.reads import RunReads, is_mine
from services.run_engine.store import RunStore
from shared.errors import Refused
from shared.http import success
from shared.mongo import Document
from shared.pages import DEFAULT_LIMIT, MAX_LIMIT

Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT)]


def router(reads: RunReads, store: RunStore) -> APIRouter:
    routes = APIRouter(prefix="/internal")

    @routes.get("/runs/open")
    async def open_runs(organization_id: str, playbook_id: str) -> Response:
        return success({"open_runs": await reads.open_runs(organization_id, playbook_id)})

    @routes.get("/runs/{run_id}/head")
    async def head(run_id: str, organization_id: str) -> Response:
        found = await reads.head(organization_id, run_id)
        if found is None:
            raise Refused.because(not_found(run_id))
        return success(found)

    @routes.get("/runs/{run_id}/commands/{command_id}")
    async def answer(run_id: str, command_id: str, organization_id: str) -> Response:
        reply = await store.answer(organization_id, run_id, command_id)
        return success({"reply": reply.model_dump(mode="json") if reply is not None else None})

    @routes.get("/runs/{run_id}/why")
    async def why(run_id: str, organization_id: str, sensitive: bool = False) -> Response:
        state, incident = await reads.run(organization_id, run_id)
        plan = plan_of(await _definition(state, store))
        shown = state if sensitive else views.masked_run(state, plan)
        return success({**views.waiting_view(shown, plan), **_incident(incident)})

    @routes.get("/runs/{run_id}/steps/{step_id}")
    async def step(run_id: str, step_id: str, organization_id: str, sensitive: bool = False) -> Response:
        state, _ = await reads.run(organization_id, run_id)
        if step_id not in state.steps:
            raise Refused.because(unknown_step(state, step_id))
        plan = plan_of(await _definition(state, store))
        shown = state if sensitive else views.masked_run(state, plan)
        return success(views.step_view(shown, shown.steps[step_id], plan.by_id[step_id].definition))

    @routes.get("/runs/{run_id}")
    async def run(run_id: str, organization_id: str, sensitive: bool = False) -> Response:
        state, incident = await reads.run(organization_id, run_id)
        view = views.run_view(await _shown(state, store, sensitive))
        return success({**view, **_incident(incident)}, headers={"ETag": f'"{state.sequence}"'})

    @routes.get("/runs")
    async def runs(
        organization_id: str,
        status: RunStatus | None = None,
        playbook_id: str | None = None,
        cursor: str | None = None,
        limit: Limit = DEFAULT_LIMIT,
        sensitive: bool = False,
    ) -> Response:
        page = await reads.runs(organization_id, status, playbook_id, cursor, limit)
        items = [views.run_view(await _shown(state, store, sensitive)) for state in page.items]
        return success({"runs": items, "next": page.next, "total": page.total})

    @routes.get("/tasks")
    async def tasks(
        organization_id: str,
        user_id: str,
        role: Annotated[list[str] | None, Query()] = None,
        cursor: str | None = None,
        limit: Limit = DEFAULT_LIMIT,
        sensitive: bool = False,
    ) -> Response:
        page = await reads.with_tasks(organization_id, user_id, role or [], cursor, limit)
        shown = [await _shown(state, store, sensitive) for state in page.items]
        found = [task for state in shown for task in await _tasks(state, user_id, role or [], store)]
        return success({"tasks": found, "next": page.next, "total_runs": page.total})

    return routes


def _incident(incident: Document | None) -> Document:
    return {"incident": incident} if incident else {}


async def _shown(state: RunState, store: RunStore, sensitive: bool) -> RunState:
    """The run as the caller may see it; `sensitive`: with the fields that forms mark as encrypted."""
    if sensitive:
        return state
    return views.masked_run(state, plan_of(await _definition(state, store)))


async def _definition(state: RunState, store: RunStore) -> PlaybookDefinition:
    key = (state.playbook.playbook_id, state.playbook.revision)
    return (await store.definitions([key]))[key]


async def _tasks(state: RunState, user_id: str, roles: list[str], store: RunStore) -> list[Document]:
    definition = await _definition(state, store)
    by_id = {step.step_id: step for step in definition.steps}
    return [
        views.task_view(state, step, by_id[step.step_id])
        for step in state.steps.values()
        if step.status == "in_progress"
        and step.execution_mode == "manual"
        and is_mine(step.assigned_to, step.assignee_roles, user_id, roles)
    ]
