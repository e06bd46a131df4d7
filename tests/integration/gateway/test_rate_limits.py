"""The count of requests, shared by several gateways over a real MongoDB."""

import asyncio
import time
from typing import Any

import pytest

from services.gateway.rate_limits import RateLimits, Standing
from shared.ids import new_id
from shared.mongo_connection import MongoConnection
from tests.infrastructure import Infrastructure


@pytest.fixture
def gateways(infrastructure: Infrastructure, database_prefix: str) -> list[RateLimits]:
    """Two of them, with 100 a minute, and 7 for one organisation."""
    return [
        RateLimits(
            MongoConnection(mongodb_uri=infrastructure.mongodb_uri), f"{database_prefix}_gateway", 100, {"org_small": 7}
        )
        for _ in range(2)
    ]


async def test_never_more_than_the_limit_passes(gateways: list[RateLimits]) -> None:
    organization_id = new_id("org")
    standings = await asyncio.gather(*(gateways[n % 2].take(organization_id) for n in range(300)))
    passed = sum(standing.allowed for standing in standings)
    assert 90 <= passed <= 100
    refused = next(standing for standing in standings if not standing.allowed)
    assert refused.headers()["X-RateLimit-Limit"] == "100"
    assert 1 <= refused.seconds_left() <= 61


async def test_counts_down(gateways: list[RateLimits]) -> None:
    one, _ = gateways
    organization_id = new_id("org")
    standings = [await one.take(organization_id) for _ in range(101)]
    assert [standing.remaining for standing in standings] == [*range(99, -1, -1), 0]
    assert [standing.allowed for standing in standings] == [True] * 100 + [False]


async def test_whoever_fetched_a_lease_is_served_from_it_however_many_come_meanwhile(
    gateways: list[RateLimits], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, organization_id = gateways[0], new_id("org")
    look, others = one._limiter.get_window_stats, list[asyncio.Task[Standing]]()

    async def crowded(*about: Any) -> Any:
        """As where another gateway begins the window between the two looks that this is made of."""
        found = (await look(*about))._replace(reset_time=time.time() + 60)
        others.extend(asyncio.create_task(one.take(organization_id)) for _ in range(5))  # a lease of a hundred's size
        await asyncio.sleep(0)  # they have their turn
        return found

    monkeypatch.setattr(one._limiter, "get_window_stats", crowded)
    assert (await one.take(organization_id)).allowed
    monkeypatch.undo()
    assert all(standing.allowed for standing in await asyncio.gather(*others))


async def test_knows_the_limit_of_one_organization_and_keeps_them_apart(gateways: list[RateLimits]) -> None:
    one, _ = gateways
    allowed = [(await one.take("org_small")).allowed for _ in range(8)]
    assert allowed == [True] * 7 + [False]
    assert (await one.take(new_id("org"))).allowed


async def test_lets_everybody_pass_where_nobody_counts() -> None:
    nowhere = RateLimits(MongoConnection(mongodb_uri="mongodb://127.0.0.1:1/?replicaSet=rs0"), "none", 3, {})
    assert [(await nowhere.take("org_1")).allowed for _ in range(3)] == [True] * 3
