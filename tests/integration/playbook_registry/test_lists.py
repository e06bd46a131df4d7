"""Lists of many playbooks beside ten times as many of others: every filter is served by an index."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio

from services.playbook_registry.lists import INDEXES, Filters
from shared.mongo import Document, Mongo
from shared.pages import page_of
from shared.settings import ServiceSettings
from tests.infrastructure import Infrastructure
from tests.plans import explained

OURS, THEIRS = 2_000, 20_000
LIMIT = 20
START = datetime(2024, 1, 15, tzinfo=UTC)
INDUSTRIES = ("CRM", "FIN", "IT", "MFG")
WORDS = ("customer", "custom", "order", "review", "annual", "loan")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def crowd(infrastructure: Infrastructure) -> AsyncIterator[Mongo]:
    given = {name.lower(): value for name, value in infrastructure.settings.items()}
    mongo = Mongo(ServiceSettings.model_validate(given | {"database_prefix": "test_lists"}), "playbook_registry")
    await mongo.collection("playbooks").insert_many([_playbook(n) for n in range(OURS + THEIRS)])
    await mongo.create_indexes({"playbooks": INDEXES})
    yield mongo
    await mongo.collection("playbooks").drop()
    await mongo.close()


def _playbook(number: int) -> Document:
    organization_id = "org_ours" if number < OURS else f"org_other_{number % 50}"
    industry = INDUSTRIES[number % len(INDUSTRIES)]
    return {
        "_id": f"pb_{number}",
        "organization_id": organization_id,
        "created_at": START + timedelta(seconds=number % 997),
        "status": ("active", "archived", "deleted")[number % 3],
        "type": ("workflow", "checklist")[number % 2],
        "category": f"category {number % 5}",
        "smart_code_prefixes": ["HERA", f"HERA.{industry}", f"HERA.{industry}.PLAYBOOK"],
        "words": [WORDS[number % 6], WORDS[(number + 1) % 6], WORDS[(number + 2) % 6]],
    }


@pytest.mark.parametrize(
    "filters",
    [
        Filters(),
        Filters(status="active"),
        Filters(type="checklist"),
        Filters(category="category 3"),
        Filters(smart_code="HERA.CRM"),
        Filters(q="order"),
        Filters(q="order review"),
        Filters(status="archived", type="workflow", category="category 1", smart_code="HERA.CRM", q="annual"),
    ],
    ids=str,
)
async def test_playbooks(crowd: Mongo, filters: Filters) -> None:
    asked = filters.listing("org_ours", None, LIMIT)
    seen = await explained(crowd, "playbooks", asked)
    assert seen["totalKeysExamined"] <= OURS * 3  # a playbook of ours has three words and three beginnings
    ids: list[str] = []
    while True:
        page = await page_of(crowd.collection("playbooks"), asked)
        ids += [item["_id"] for item in page.items]
        if page.next is None or len(ids) >= 3 * LIMIT:
            break
        asked = filters.listing("org_ours", page.next, LIMIT)
    assert len(ids) == len(set(ids))
    assert {int(name.removeprefix("pb_")) < OURS for name in ids} == {True}
