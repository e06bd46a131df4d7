"""The query endpoints of analytics, for the gateway."""

from typing import Annotated, Any

from fastapi import APIRouter, Body, Response

from contracts.rejections import Code, Rejection
from services.analytics.barrier import Barrier
from services.analytics.domain.grouping import Grouping
from services.analytics.domain.metrics import Performance
from services.analytics.domain.questions import period as period_of
from services.analytics.domain.questions import question as question_of
from services.analytics.store import AnalyticsStore
from shared import clock
from shared.errors import Refused
from shared.http import success

BEHIND = {"X-Consistency": "behind"}


def router(store: AnalyticsStore, barrier: Barrier) -> APIRouter:
    routes = APIRouter(prefix="/internal")

    @routes.get("/playbooks/{playbook_id}/metrics")
    async def metrics(playbook_id: str, organization_id: str, period: str = "30d") -> Response:
        span = period_of(period)
        if isinstance(span, Rejection):
            raise Refused.because(span)
        headers = {} if await barrier.passed() else BEHIND
        facts = await store.playbook(organization_id, playbook_id)
        name = facts["name"] if facts else await store.has_runs(organization_id, playbook_id)
        if name is None:
            raise _not_found(playbook_id)
        performance = Performance(facts)
        async for run in store.runs_of(organization_id, playbook_id, clock.now() - span):
            performance.add(run)
        data = {"playbook_id": playbook_id, "playbook_name": name, "period": period, "metrics": performance.metrics()}
        return success(data, headers=headers)

    @routes.post("/analytics/playbook-runs")
    async def playbook_runs(organization_id: str, body: Annotated[Any, Body()]) -> Response:
        question = question_of(body)
        if isinstance(question, Rejection):
            raise Refused.because(question)
        headers = {} if await barrier.passed() else BEHIND
        grouping = Grouping(question)
        async for run in store.runs_asked_for(organization_id, question):
            grouping.add(run)
        return success(grouping.view(), headers=headers)

    return routes


def _not_found(playbook_id: str) -> Refused:
    return Refused(Code.NOT_FOUND, f"Playbook {playbook_id} was not found", field="playbook_id", value=playbook_id)
