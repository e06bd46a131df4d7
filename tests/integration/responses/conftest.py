"""One world for the tests of responses; each test has organizations of its own."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

import shared.service
from services.gateway import main as gateway
from tests.infrastructure import Infrastructure
from tests.integration.responses.world import LogRequester, MortalMongo, OwnerHere, World


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def world(infrastructure: Infrastructure) -> AsyncIterator[World]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shared.service, "Mongo", MortalMongo)
        patch.setattr(gateway, "Requester", LogRequester)
        patch.setattr(gateway, "Owner", OwnerHere)
        made = World(infrastructure)
        LogRequester.world = OwnerHere.world = made
        await made.open()
        yield made
        await made.close()
