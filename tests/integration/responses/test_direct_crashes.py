"""What changes over HTTP alone, when the engine dies before it has stored an outcome, and somebody else comes first."""

import hashlib
import uuid
from typing import Any

import pytest

from services.run_engine.sealing.sealer import Sealer
from services.run_engine.sealing.secrets import SecretStore
from services.run_engine.sealing.store import KeyStore
from services.run_engine.settings import Settings, keyring
from shared.outcomes import COLLECTION
from tests.integration.responses.test_direct import (
    DELETE,
    Prepare,
    asked_of_the_dying,
    delete_secret,
    erase_organization,
    put,
    put_secret,
)
from tests.integration.responses.world import Organization, World


def secrets_of(world: World) -> SecretStore:
    service = world.services["run_engine"]
    assert isinstance(service.settings, Settings)
    keys = KeyStore(service.mongo, keyring(service.settings))
    return SecretStore(service.mongo, Sealer(keys), keys)


@pytest.mark.parametrize("prepare", [put_secret, delete_secret, erase_organization], ids=lambda case: case.__name__)
async def test_a_repeat_after_a_crash_undoes_nothing_that_was_done_in_between(world: World, prepare: Prepare) -> None:
    """The change itself knows its command, since its outcome may not have been stored."""
    at, dies, changed = 0, True, 0
    while dies:
        org, key = Organization(world), uuid.uuid4().hex
        direct = await prepare(org)
        before = await org.read(direct.seen)
        dies = await asked_of_the_dying(org, direct.call, key, at)
        at += 1
        if await org.read(direct.seen) == before:
            continue  # nothing was done: the repeat is the first to do it
        changed += 1
        for call in direct.turn:
            await org.done(call)
        after = await org.read(direct.seen)
        repeated = await org.ask(direct.call, key)
        assert repeated.status_code == direct.status, repeated.text
        assert await org.read(direct.seen) == after, at
        if prepare is not erase_organization:
            assert await secrets_of(world).read(org.organization_id, "crm") == direct.turn[-1].body["secret"]["value"]  # type: ignore[index]
    assert changed > 1, "it is done before the last points"


async def test_nothing_is_left_of_a_secret_that_was_deleted(world: World) -> None:
    org = Organization(world)
    left = {"organization_id": org.organization_id}
    secrets = world.services["run_engine"].mongo.collection("secrets")
    at, dies = 0, True
    while dies:
        await org.done(put("a value to be deleted"))
        key = uuid.uuid4().hex
        dies = await asked_of_the_dying(org, DELETE, key, at)
        at += 1
        assert (await org.ask(DELETE, key)).status_code == 200
        assert await secrets.count_documents(left) == 0, at


async def test_a_secret_whose_deletion_was_cut_short_is_gone_for_everybody_else(world: World) -> None:
    secrets = world.services["run_engine"].mongo.collection("secrets")
    at, dies, marked = 0, True, 0
    while dies:
        org, key = Organization(world), uuid.uuid4().hex
        await org.done(put("a value to be deleted"))
        dies = await asked_of_the_dying(org, DELETE, key, at)
        at += 1
        if not await secrets.count_documents({"organization_id": org.organization_id, "deleting": {"$exists": True}}):
            continue
        marked += 1
        assert (await org.read("/secrets"))["secrets"] == []
        assert (await org.ask(DELETE, uuid.uuid4().hex)).status_code == 404
        assert (await org.ask(DELETE, key)).status_code == 200
    assert marked, "no deletion was cut short"


async def test_no_store_holds_a_hash_of_a_secret_that_could_be_guessed(world: World) -> None:
    org, value = Organization(world), f"guess-me-{uuid.uuid4().hex}"
    assert (await org.ask(put(value), uuid.uuid4().hex)).status_code == 200
    digest = hashlib.sha256(value.encode()).hexdigest()
    for service in (*world.services.values(), world.gateway):
        database = service.mongo.collection("any").database
        for name in await database.list_collection_names():
            held = str([document async for document in database[name].find()])
            assert value not in held and digest not in held, f"{database.name}.{name}"
    assert await remembered(world, org), "the outcome was not kept at all"


async def remembered(world: World, org: Organization) -> Any:
    outcomes = world.services["run_engine"].mongo.collection(COLLECTION)
    return await outcomes.find_one({"organization_id": org.organization_id})
