"""What e2e tests share."""

from collections.abc import AsyncIterator

import httpx
import pytest_asyncio

from tests.e2e.office import Office
from tests.running_stack import RunningStack


@pytest_asyncio.fixture(loop_scope="session")
async def office(stack: RunningStack) -> AsyncIterator[Office]:
    async with httpx.AsyncClient(base_url=stack.gateway_url, trust_env=False, timeout=30) as http:
        yield Office(stack, http)
