"""Summaries made anew from their logs, while the service goes on."""

from typing import Any

from services.analytics.rebuild import ANALYTICS
from shared.ids import new_id
from shared.rebuild import rebuilding
from tests.integration.analytics.conftest import Bench, registered, story, wire


async def test_finds_a_summary_that_was_changed_and_puts_it_right(bench: Bench) -> None:
    organization_id, playbook_id, run_id, later = new_id("org"), new_id("pb"), new_id("run"), new_id("run")
    await bench.publisher.publish(
        [registered(playbook_id, organization_id), *wire(run_id, story(playbook_id), organization_id)]
    )
    assert (await bench.metrics(playbook_id, organization_id)).json()["data"]["metrics"]["execution_stats"][
        "total_runs"
    ] == 1
    key = {"organization_id": organization_id, "run_id": run_id}
    await bench.service.mongo.collection("runs").update_one({"_id": key}, {"$set": {"status": "failed"}})
    async with rebuilding(ANALYTICS, bench.settings) as rebuild:
        await rebuild.read()
        assert key in (await rebuild.differences())["runs"].unequal
        await bench.publisher.publish(wire(later, story(playbook_id), organization_id))
        await bench.metrics(playbook_id, organization_id)  # has seen it
        await rebuild.replace()
    stats = await _stats(bench, playbook_id, organization_id)
    assert (stats["total_runs"], stats["completed_runs"], stats["failed_runs"]) == (2, 2, 0)


async def _stats(bench: Bench, playbook_id: str, organization_id: str) -> dict[str, Any]:
    answer = await bench.metrics(playbook_id, organization_id)
    stats: dict[str, Any] = answer.json()["data"]["metrics"]["execution_stats"]
    return stats


async def test_what_is_right_is_found_equal_however_it_was_written(bench: Bench) -> None:
    organization_id, playbook_id, run_id = new_id("org"), new_id("pb"), new_id("run")
    first, *rest = wire(run_id, story(playbook_id), organization_id)
    for message in (first, *reversed(rest)):
        await bench.publisher.publish([message])
    await bench.metrics(playbook_id, organization_id)
    async with rebuilding(ANALYTICS, bench.settings) as rebuild:
        await rebuild.read()
        unequal = (await rebuild.differences())["runs"].unequal
    assert {"organization_id": organization_id, "run_id": run_id} not in unequal
