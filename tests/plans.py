"""How MongoDB finds the pages of lists."""

from collections.abc import Iterator
from typing import Any

from shared.mongo import Mongo
from shared.pages import Listing


async def explained(mongo: Mongo, collection: str, asked: Listing) -> dict[str, Any]:
    """How MongoDB found the page; fails where it looked at everything, or sorted in memory."""
    plan = await asked.cursor_over(mongo.collection(collection)).explain()
    stages = set(_stages(plan["queryPlanner"]["winningPlan"]))
    assert "IXSCAN" in stages, stages
    assert stages.isdisjoint({"COLLSCAN", "SORT"}), stages
    found: dict[str, Any] = plan["executionStats"]
    return found


def _stages(plan: dict[str, Any]) -> Iterator[str]:
    yield plan["stage"]
    for inner in (*([plan["inputStage"]] if "inputStage" in plan else []), *plan.get("inputStages", ())):
        yield from _stages(inner)
