"""Who has their share of what one instance has in hand."""

import asyncio
from collections.abc import Collection
from datetime import UTC, datetime, timedelta

from services.notifier.webhooks.shares import Shares

NOON = datetime(2024, 1, 15, 12, tzinfo=UTC)
OWNERS = {"a1": "org_a", "a2": "org_a", "a3": "org_a", "b1": "org_b"}


async def whose(webhook_ids: Collection[str]) -> dict[str, str]:
    return {webhook_id: OWNERS[webhook_id] for webhook_id in webhook_ids}


def shares() -> Shares:
    """Two of an endpoint, three of an organisation."""
    made = Shares(2, 3, whose)
    asyncio.run(made.know(list(OWNERS)))
    return made


def free(shares: Shares, at: datetime = NOON) -> list[str]:
    return [webhook_id for webhook_id in OWNERS if not shares.are_taken(webhook_id, at)]


def test_an_endpoint_has_its_share_and_no_more() -> None:
    some = shares()
    some.take("a1", "org_a")
    assert free(some) == ["a1", "a2", "a3", "b1"]
    some.take("a1", "org_a")
    assert free(some) == ["a2", "a3", "b1"]
    some.give_back("a1", "org_a")
    assert free(some) == ["a1", "a2", "a3", "b1"]


def test_an_organisation_has_its_share_whatever_endpoints_it_has() -> None:
    some = shares()
    for webhook_id in ("a1", "a2", "a3"):
        some.take(webhook_id, "org_a")
    assert free(some) == ["b1"]
    some.give_back("a2", "org_a")
    assert free(some) == ["a1", "a2", "a3", "b1"]


def test_an_endpoint_rests_until_it_said() -> None:
    some = shares()
    some.rest("a1", NOON + timedelta(seconds=30), NOON)
    assert free(some, NOON + timedelta(seconds=29)) == ["a2", "a3", "b1"]
    assert free(some, NOON + timedelta(seconds=30)) == ["a1", "a2", "a3", "b1"]
