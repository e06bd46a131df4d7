"""A MongoDB that keeps its connections open and answers nothing delays no request that can do without it."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from pydantic import SecretStr

from services.gateway.rate_limits import RateLimits
from services.gateway.store import FirstAnswer, IdempotencyKeys
from shared.mongo import Mongo, StoreAway
from shared.mongo_connection import MongoConnection
from shared.settings import ServiceSettings
from tests.freezable import Freezable, freezable
from tests.infrastructure import SERVICE_TOKEN, Infrastructure

ANSWER = FirstAnswer(201, b"{}", {})


@pytest_asyncio.fixture(loop_scope="session")
async def way(infrastructure: Infrastructure) -> AsyncIterator[Freezable]:
    async with freezable(infrastructure.mongodb_uri) as way:
        yield way


@pytest_asyncio.fixture(loop_scope="session")
async def keys(way: Freezable, infrastructure: Infrastructure, database_prefix: str) -> AsyncIterator[IdempotencyKeys]:
    settings = ServiceSettings(
        mongodb_uri=way.uri,
        kafka_bootstrap_servers=infrastructure.bootstrap_servers,
        database_prefix=database_prefix,
        service_token=SecretStr(SERVICE_TOKEN),
    )
    mongo = Mongo(settings, "gateway")
    yield IdempotencyKeys(mongo)
    way.thaw()
    await mongo.close()


async def test_keys_are_given_up_for_all_requests_after_the_first_wait(keys: IdempotencyKeys, way: Freezable) -> None:
    assert await keys.claim("cmd_1", "body") is None
    way.freeze()
    began = time.monotonic()
    claims = await asyncio.gather(*(keys.claim(f"cmd_{n}", "body") for n in range(2, 60)), return_exceptions=True)
    assert {type(claim) for claim in claims} == {StoreAway}
    assert time.monotonic() - began < 4
    began = time.monotonic()
    for work in (keys.claim("cmd_1", "body"), keys.settle("cmd_1", ANSWER), keys.leave_open("cmd_1")):
        with pytest.raises(StoreAway):
            await work
    assert time.monotonic() - began < 0.5


async def test_limits_let_requests_through(way: Freezable, database_prefix: str) -> None:
    limits = RateLimits(MongoConnection(mongodb_uri=way.uri), f"{database_prefix}_gateway", 1000, {})
    assert (await limits.take("org_1")).allowed
    way.freeze()
    began = time.monotonic()
    taken = await asyncio.gather(*(limits.take(f"org_{n}") for n in range(2, 10)))
    assert all(standing.allowed for standing in taken)
    assert time.monotonic() - began < 2
