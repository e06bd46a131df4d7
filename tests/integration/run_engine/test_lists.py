"""Lists beside 100,000 runs of others: every filter and every order is served by an index, within the organisation."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import pymongo
import pytest
import pytest_asyncio

from services.run_engine.run_list import RunFilters, RunSort
from services.run_engine.task_list import Person, Sort, TaskFilters, TaskList, listing
from shared.errors import Refused
from shared.mongo import Document, Mongo
from shared.pages import COUNTED, Listing, page_of
from tests.crowd import fill
from tests.infrastructure import Infrastructure
from tests.integration.run_engine.engine import ORGANIZATION, Commands, Engine
from tests.plans import explained

OURS = 10_500
LIMIT = 20
START = datetime(2024, 1, 15, tzinfo=UTC)
PREFIX = "test_lists"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def crowd(infrastructure: Infrastructure) -> AsyncIterator[Mongo]:
    engine = Engine(infrastructure, PREFIX)
    await engine.publisher.start()
    commands = Commands()
    await engine.take(commands.start())
    await engine.publisher.stop()
    await asyncio.to_thread(fill, infrastructure.mongodb_uri, engine.mongo.name, commands.run_id, OURS, START)
    await engine.mongo.collection("runs").delete_one({"_id": commands.run_id})
    await engine.mongo.collection("tasks").delete_one({"run_id": commands.run_id})
    yield engine.mongo
    with pymongo.MongoClient[Document](infrastructure.mongodb_uri) as client:
        client.drop_database(engine.mongo.name)


FILTERED: list[tuple[RunFilters, RunSort | None]] = [
    (RunFilters(), None),
    (RunFilters(), "created_at"),
    (RunFilters(), "-updated_at"),
    (RunFilters(), "due_at"),
    (RunFilters(status="failed"), None),
    (RunFilters(playbook_id="pb_7"), None),
    (RunFilters(entity_type="patient", entity_id="c7"), None),
    (RunFilters(assignee="u7"), None),
    (RunFilters(priority="high"), "created_at"),
    (RunFilters(overdue=True), None),
    (RunFilters(created_from=START, created_to=START + timedelta(hours=1)), None),
    (RunFilters(updated_from=START + timedelta(hours=1)), None),
]
SEVERAL: list[tuple[RunFilters, RunSort | None]] = [
    (RunFilters(status="failed", priority="high", entity_type="customer"), "-updated_at"),
    (RunFilters(status="active", assignee="u7", playbook_id="pb_7"), "created_at"),
    (RunFilters(overdue=True, priority="critical"), "due_at"),
    (RunFilters(entity_type="patient"), None),
]


@pytest.mark.parametrize(("filters", "sort"), FILTERED + SEVERAL, ids=str)
async def test_runs(crowd: Mongo, filters: RunFilters, sort: RunSort | None) -> None:
    asked = filters.listing(ORGANIZATION, sort, None, LIMIT)
    seen = await explained(crowd, "runs", asked)
    # What only the organisation's index bounds may look at all of the organisation's, never at more.
    assert seen["totalKeysExamined"] <= (LIMIT + 2 if (filters, sort) in FILTERED else OURS)
    await walks(crowd, "runs", asked, lambda cursor: filters.listing(ORGANIZATION, sort, cursor, LIMIT))


VALUES: dict[str, Any] = {
    "status": "failed", "playbook_id": "pb_7", "entity_type": "patient", "entity_id": "c7", "assignee": "u7",
    "priority": "high", "overdue": True, "created_from": START, "created_to": START + timedelta(hours=1),
    "updated_from": START, "updated_to": START + timedelta(hours=1),
}  # fmt: skip


@pytest.mark.parametrize("sort", get_args(RunSort))
@pytest.mark.parametrize("name", [field.name for field in fields(RunFilters)])
async def test_every_filter_in_every_order_is_served_by_an_index_or_not_offered(
    crowd: Mongo, name: str, sort: RunSort
) -> None:
    filters = RunFilters(**{name: VALUES[name]})
    try:
        asked = filters.listing(ORGANIZATION, sort, None, LIMIT)
    except Refused as refused:
        assert refused.rejection.details["field"] == "sort"
        return
    seen = await explained(crowd, "runs", asked)
    assert seen["totalKeysExamined"] <= OURS


PEOPLE = [Person(ORGANIZATION, "u7", ()), Person(ORGANIZATION, "u7", ("clerk", "r1", "nobody"))]
TASKS: list[tuple[TaskFilters, Sort]] = [
    (TaskFilters(), "due_at"),
    (TaskFilters(), "priority"),
    (TaskFilters(assignment="mine"), "due_at"),
    (TaskFilters(overdue=True), "due_at"),
    (TaskFilters(due_from=START + timedelta(hours=1), due_to=START + timedelta(hours=2)), "due_at"),
    (TaskFilters(assignment="unassigned"), "priority"),
    (TaskFilters(priority="high", playbook_id="pb_7"), "priority"),
]


@pytest.mark.parametrize("person", PEOPLE, ids=["one role", "several roles"])
@pytest.mark.parametrize(("filters", "sort"), TASKS, ids=str)
async def test_tasks(crowd: Mongo, filters: TaskFilters, sort: Sort, person: Person) -> None:
    asked = listing(person, filters, sort, None, LIMIT)
    seen = await explained(crowd, "tasks", asked)
    if filters == TaskFilters():
        assert seen["totalKeysExamined"] <= LIMIT + 10
    await walks(crowd, "tasks", asked, lambda cursor: listing(person, filters, sort, cursor, LIMIT))


async def walks(mongo: Mongo, name: str, first: Listing, then: Any) -> None:
    """The first pages hold no item twice, in order, and only what the query lets through."""
    keys = [field for field, _ in first.order.sort()]
    seen: list[list[Any]] = []
    asked = first
    for _ in range(3):
        page = await page_of(mongo.collection(name), asked)
        seen += [[_at(item, key) for key in keys] for item in page.items]
        if page.next is None:
            break
        asked = then(page.next)
    assert seen == sorted(seen, reverse=first.order.direction < 0)
    assert len({row[-1] for row in seen}) == len(seen)


def _at(document: Document, path: str) -> Any:
    value: Any = document
    for part in path.split("."):
        value = value[part]
    return value


async def test_a_long_list_says_that_its_total_is_not_exact(crowd: Mongo) -> None:
    whole = await page_of(crowd.collection("runs"), RunFilters().listing(ORGANIZATION, None, None, LIMIT))
    assert (whole.total, whole.is_exact) == (COUNTED, False)
    some = await page_of(crowd.collection("runs"), RunFilters(entity_id="c7").listing(ORGANIZATION, None, None, LIMIT))
    assert (some.total, some.is_exact) == (OURS // 500, True)


async def test_counts_are_exact(crowd: Mongo) -> None:
    counts = await TaskList(crowd).counts(Person(ORGANIZATION, "u7", ("r1",)))
    mine = [n for n in range(OURS) if n % 100 == 7]
    assert counts["assigned_to_me"] == len(mine)
    assert counts["total"] == len([n for n in range(OURS) if n % 100 == 7 or n % 3 == 1])
