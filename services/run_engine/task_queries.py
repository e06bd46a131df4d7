"""The engine's query endpoints about tasks, for the gateway."""

from collections.abc import Iterable
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from contracts.policies import OrganizationPolicies
from contracts.values import Caller
from services.run_engine.domain import views
from services.run_engine.domain.acting import audience, may_act
from services.run_engine.domain.plan import plan_of
from services.run_engine.domain.situation import Situation
from services.run_engine.domain.state import RunState, StepState
from services.run_engine.organizations import OrganizationStore
from services.run_engine.queries import Limit, definition_of
from services.run_engine.reads import RunReads
from services.run_engine.sealing.legible import Legible, Seen
from services.run_engine.store import RunStore
from services.run_engine.task_list import Person, Sort, TaskFilters
from services.run_engine.task_rows import is_task
from shared import clock
from shared.http import success
from shared.mongo import Document
from shared.pages import DEFAULT_LIMIT

_Task = tuple[RunState, StepState, Situation]


def router(reads: RunReads, store: RunStore, organizations: OrganizationStore, legible: Legible) -> APIRouter:
    routes = APIRouter(prefix="/internal/tasks")

    @routes.get("")
    async def listed(
        asker: Annotated[Person, Depends(_person)],
        filters: Annotated[TaskFilters, Depends()],
        sight: Seen,
        sort: Sort = "due_at",
        cursor: str | None = None,
        limit: Limit = DEFAULT_LIMIT,
    ) -> Response:
        policies = await organizations.of(asker.organization_id)
        person = _with_others(asker, policies)
        page = await store.tasks.page(person, filters, sort, cursor, limit)
        found = await _tasks(page.items, person, policies, reads, store)
        plans = [(state, at.plan) for state, _, at in found]
        seen = zip(await legible.runs(plans, sight), found, strict=True)
        tasks = [views.task_view(state, step, _caller(person), at) for state, (_, step, at) in seen]
        return success({"tasks": tasks, **page.about()})

    @routes.get("/counts")
    async def counts(asker: Annotated[Person, Depends(_person)]) -> Response:
        policies = await organizations.of(asker.organization_id)
        return success(await store.tasks.counts(_with_others(asker, policies)))

    return routes


def _person(organization_id: str, user_id: str, role: Annotated[list[str] | None, Query()] = None) -> Person:
    return Person(organization_id, user_id, tuple(role or ()))


def _caller(person: Person) -> Caller:
    return Caller(id=person.user_id, roles=person.roles)


def _with_others(asker: Person, policies: OrganizationPolicies) -> Person:
    users, roles = audience(_caller(asker), policies, clock.now())
    return Person(asker.organization_id, asker.user_id, asker.roles, tuple(users), tuple(roles))


async def _tasks(
    rows: Iterable[Document],
    person: Person,
    policies: OrganizationPolicies,
    reads: RunReads,
    store: RunStore,
) -> list[_Task]:
    """As the runs say: a row whose step is no task of this person's any more is left out."""
    states = await reads.states({row["run_id"] for row in rows})
    caller, now = _caller(person), clock.now()
    found: list[_Task] = []
    for row in rows:
        state = states.get(row["run_id"])
        step = state.steps.get(row["step_id"]) if state is not None and not state.is_paused else None
        if state is None or step is None or not is_task(step):
            continue
        situation = Situation(plan_of(await definition_of(state, store)), policies, now)
        if not may_act(caller, state, step, situation):
            continue
        found.append((state, step, situation))
    return found
