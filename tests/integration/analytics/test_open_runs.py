"""The gauge of open runs, over all organisations, served by an index."""

import pytest
from prometheus_client import REGISTRY

from services.analytics.open_runs import OpenRuns
from services.analytics.store import OPEN, AnalyticsStore
from shared.ids import new_id
from tests.integration.analytics.conftest import Bench, story, wire


async def test_open_runs_are_counted_and_ended_ones_are_not(bench: Bench) -> None:
    organization_id, playbook_id = new_id("org"), new_id("pb")
    counting = OpenRuns(AnalyticsStore(bench.service.mongo))
    before = await _active_after_counting(counting)
    for events in (2, 2, 4):
        await bench.publisher.publish(wire(new_id("run"), story(playbook_id)[:events], organization_id))
    await bench.metrics(playbook_id, organization_id)
    assert await _active_after_counting(counting) == before + 2


@pytest.mark.parametrize("status", OPEN)
async def test_counting_them_reads_the_index_that_holds_open_runs_alone(bench: Bench, status: str) -> None:
    runs = bench.service.mongo.collection("runs")
    plan = await runs.find({"status": status}).explain()
    assert plan["queryPlanner"]["winningPlan"]["inputStage"]["indexName"] == "open_runs"
    assert (await runs.index_information())["open_runs"]["partialFilterExpression"]


async def _active_after_counting(counting: OpenRuns) -> float:
    await counting.count()
    return REGISTRY.get_sample_value("hera_open_runs", {"status": "active"}) or 0
