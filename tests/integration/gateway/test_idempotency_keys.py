"""The keys that gateways share, over a real MongoDB."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest_asyncio
from pydantic import SecretStr

from deploy.local.waiting import until
from services.gateway.store import FirstAnswer, IdempotencyKeys, Known
from shared.mongo import Mongo
from shared.settings import ServiceSettings
from tests.infrastructure import SERVICE_TOKEN, Infrastructure

SHORT, LONG = timedelta(milliseconds=300), timedelta(hours=1)
ANSWER = FirstAnswer(201, b'{"success":true}', {"location": "/api/v1/playbooks/pb_1"})


@pytest_asyncio.fixture(loop_scope="session")
async def mongo(infrastructure: Infrastructure, database_prefix: str) -> AsyncIterator[Mongo]:
    settings = ServiceSettings(
        mongodb_uri=infrastructure.mongodb_uri,
        kafka_bootstrap_servers=infrastructure.bootstrap_servers,
        database_prefix=database_prefix,
        service_token=SecretStr(SERVICE_TOKEN),
    )
    mongo = Mongo(settings, "gateway")
    yield mongo
    await mongo.close()


async def test_of_many_who_come_at_once_one_has_the_request_to_do(mongo: Mongo) -> None:
    keys = IdempotencyKeys(mongo, LONG)
    claims = await asyncio.gather(*(keys.claim("cmd_1", "body") for _ in range(20)))
    assert claims.count(None) == 1
    assert claims.count(Known("body", None)) == 19


async def test_whoever_comes_after_the_answer_gets_it(mongo: Mongo) -> None:
    keys = IdempotencyKeys(mongo, SHORT)
    assert await keys.claim("cmd_1", "body") is None
    await keys.settle("cmd_1", ANSWER)
    assert await keys.claim("cmd_1", "body") == await keys.claim("cmd_1", "other") == Known("body", ANSWER)


async def test_a_request_whose_gateway_died_is_soon_another_s_to_do_and_only_one_s(mongo: Mongo) -> None:
    keys = IdempotencyKeys(mongo, SHORT)
    assert await keys.claim("cmd_1", "body") is None
    claims: list[Known | None] = []

    async def somebody_has_it() -> bool:
        claims[:] = await asyncio.gather(*(keys.claim("cmd_1", "body") for _ in range(5)))
        return None in claims

    await asyncio.wait_for(until(somebody_has_it), 20)
    assert claims.count(None) == 1
    assert claims.count(Known("body", None)) == 4


async def test_what_was_left_open_is_the_next_one_s_to_do_at_once(mongo: Mongo) -> None:
    keys = IdempotencyKeys(mongo, LONG)
    await keys.claim("cmd_1", "body")
    await keys.leave_open("cmd_1")
    assert await keys.claim("cmd_1", "other") == Known("body", None)
    assert await keys.claim("cmd_1", "body") is None
    assert await keys.claim("cmd_1", "body") == Known("body", None)


async def test_what_was_let_go_was_never_asked(mongo: Mongo) -> None:
    keys = IdempotencyKeys(mongo, LONG)
    await keys.claim("cmd_1", "body")
    await keys.let_go("cmd_1")
    assert await keys.claim("cmd_1", "a better body") is None
