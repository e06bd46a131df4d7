"""The story is told once; all tests look at what came of it."""

from collections.abc import AsyncIterator

import httpx
import pytest_asyncio

from tests.conformance.story import Story, tell
from tests.running_stack import RunningStack


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def http(stack: RunningStack) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=stack.gateway_url, timeout=30, trust_env=False) as client:
        yield client


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def story(stack: RunningStack, http: httpx.AsyncClient) -> Story:
    told = Story(http, stack.folder.jwt_secret())
    await tell(told)
    return told
