"""The engine's query endpoints about tasks, for the gateway."""

from collections.abc import Iterable
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from services.run_engine.domain import views
from services.run_engine.queries import Limit, definition_of, shown
from services.run_engine.reads import RunReads, is_mine
from services.run_engine.store import RunStore
from services.run_engine.task_list import Person, Sort, TaskFilters
from services.run_engine.task_rows import is_task
from shared.http import success
from shared.mongo import Document
from shared.pages import DEFAULT_LIMIT


def router(reads: RunReads, store: RunStore) -> APIRouter:
    routes = APIRouter(prefix="/internal/tasks")

    @routes.get("")
    async def tasks(
        person: Annotated[Person, Depends(_person)],
        filters: Annotated[TaskFilters, Depends()],
        sort: Sort = "due_at",
        cursor: str | None = None,
        limit: Limit = DEFAULT_LIMIT,
        sensitive: bool = False,
    ) -> Response:
        page = await store.tasks.page(person, filters, sort, cursor, limit)
        found = await _tasks(page.items, person, reads, store, sensitive)
        return success({"tasks": found, **page.about()})

    @routes.get("/counts")
    async def counts(person: Annotated[Person, Depends(_person)]) -> Response:
        return success(await store.tasks.counts(person))

    return routes


def _person(organization_id: str, user_id: str, role: Annotated[list[str] | None, Query()] = None) -> Person:
    return Person(organization_id, user_id, tuple(role or ()))


async def _tasks(
    rows: Iterable[Document], person: Person, reads: RunReads, store: RunStore, sensitive: bool
) -> list[Document]:
    """As the runs say: a row whose step is no task of this person's any more is left out."""
    states = await reads.states({row["run_id"] for row in rows})
    found: list[Document] = []
    for row in rows:
        state = states.get(row["run_id"])
        step = state.steps.get(row["step_id"]) if state is not None and not state.is_paused else None
        if state is None or step is None or not (is_task(step) and is_mine(step, person.user_id, person.roles)):
            continue
        by_id = {step.step_id: step for step in (await definition_of(state, store)).steps}
        found.append(views.task_view(await shown(state, store, sensitive), step, by_id[step.step_id]))
    return found
