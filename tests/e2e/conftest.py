"""What e2e tests share."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from deploy.local import stack as local_stack
from tests.e2e.command_line import CommandLine
from tests.e2e.office import Office
from tests.e2e.rest import Rest, over_two_gateways
from tests.running_stack import RunningStack


@pytest_asyncio.fixture(loop_scope="session")
async def office(stack: RunningStack) -> AsyncIterator[Office]:
    async with httpx.AsyncClient(base_url=stack.gateway_url, trust_env=False, timeout=30) as http:
        yield Office(stack, http)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def rest(stack: RunningStack) -> AsyncIterator[Rest]:
    """Somebody of an organisation of the module's own, who may do everything."""
    async with over_two_gateways(stack) as somebody:
        yield somebody


@pytest.fixture
async def command(tmp_path: Path) -> AsyncIterator[CommandLine]:
    line = CommandLine(tmp_path / "a folder; it's mine")
    yield line
    local_stack.down(line.folder)
    assert line.pids() == set()
