"""The count of requests, shared by several gateways over a real MongoDB."""

import asyncio

import pytest

from services.gateway.rate_limits import RateLimits
from shared.ids import new_id
from tests.infrastructure import Infrastructure


@pytest.fixture
def gateways(infrastructure: Infrastructure, database_prefix: str) -> list[RateLimits]:
    """Two of them, with 100 a minute, and 7 for one organisation."""
    return [
        RateLimits(infrastructure.mongodb_uri, f"{database_prefix}_gateway", 100, {"org_small": 7}) for _ in range(2)
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


async def test_knows_the_limit_of_one_organization_and_keeps_them_apart(gateways: list[RateLimits]) -> None:
    one, _ = gateways
    allowed = [(await one.take("org_small")).allowed for _ in range(8)]
    assert allowed == [True] * 7 + [False]
    assert (await one.take(new_id("org"))).allowed


async def test_lets_everybody_pass_where_nobody_counts() -> None:
    nowhere = RateLimits("mongodb://127.0.0.1:1/?replicaSet=rs0", "none", 3, {})
    assert [(await nowhere.take("org_1")).allowed for _ in range(3)] == [True] * 3
