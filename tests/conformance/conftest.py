"""The story is told once; all tests look at what came of it."""

from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
import pytest_asyncio

from tests.conformance.story import Story, tell
from tests.conftest import provided_stack
from tests.infrastructure import Choice
from tests.mailbox import receiving
from tests.running_stack import RunningStack


@pytest.fixture(scope="package")
def stack(
    infrastructure_choice: Choice, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningStack]:
    """With a mail server, for the reference's timeline tells of an e-mail."""
    with (
        receiving() as mailbox,
        provided_stack(infrastructure_choice, request, tmp_path_factory.mktemp("mailing"), mailbox.settings) as running,
    ):
        yield running


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def http(stack: RunningStack) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=stack.gateway_url, timeout=30, trust_env=False) as client:
        yield client


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def story(stack: RunningStack, http: httpx.AsyncClient) -> Story:
    told = Story(http, stack.folder.jwt_secret())
    await tell(told)
    return told
