"""Named secrets are kept encrypted; what can't be opened any more is set again."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from bson import encode

from contracts.rejections import Code
from services.run_engine.sealing import secrets as secret_store
from services.run_engine.sealing import store as key_store
from services.run_engine.sealing.sealer import Sealer
from services.run_engine.sealing.secrets import SecretStore
from services.run_engine.sealing.store import KeyStore
from shared.errors import Refused, Unavailable
from shared.keyring import Keyring
from tests.infrastructure import Infrastructure
from tests.integration.run_engine.engine import Engine

OURS, VALUE = "org_1", "s3cret-0123456789"


@pytest_asyncio.fixture(loop_scope="session")
async def engine(infrastructure: Infrastructure, database_prefix: str) -> AsyncIterator[Engine]:
    made = Engine(infrastructure, database_prefix)
    await made.mongo.create_indexes({**key_store.INDEXES, **secret_store.INDEXES})
    yield made
    await made.mongo.close()


@pytest.fixture
def secrets(engine: Engine) -> SecretStore:
    return SecretStore(engine.mongo, engine.sealer, engine.keys)


async def test_a_secret_is_stored_encrypted_and_bound_to_its_organization_and_name(
    engine: Engine, secrets: SecretStore
) -> None:
    await secrets.put_secret(OURS, "crm", VALUE, "ann")
    collection = engine.mongo.collection("secrets")
    document = await collection.find_one({"name": "crm"})
    assert VALUE.encode() not in encode(document)
    assert await secrets.read(OURS, "crm") == VALUE
    for organization_id, name in ((OURS, "other"), ("org_2", "crm")):
        moved = {**document, "_id": f"{organization_id}:{name}", "organization_id": organization_id, "name": name}
        await collection.insert_one(moved)
        with pytest.raises(Refused) as refused:
            await secrets.read(organization_id, name)
        assert refused.value.rejection.code is Code.NOT_FOUND


async def test_what_cannot_be_opened_any_more_is_set_again(engine: Engine, secrets: SecretStore) -> None:
    await secrets.put_secret(OURS, "crm", VALUE, "ann")
    await engine.mongo.collection("keys").delete_many({})
    with pytest.raises(Refused):
        await secrets.read(OURS, "crm")
    assert (await secrets.put_secret(OURS, "crm", VALUE, "bob"))["version"] == 2
    await engine.keys.destroy_organization(OURS, "ann")
    with pytest.raises(Refused):
        await secrets.read(OURS, "crm")
    assert (await secrets.put_secret(OURS, "crm", VALUE, "bob"))["version"] == 3
    assert await secrets.read(OURS, "crm") == VALUE


async def test_an_organization_has_so_many_and_no_more(secrets: SecretStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secret_store, "MOST_SECRETS", 2)
    for name in ("a", "b", "b"):
        await secrets.put_secret(OURS, name, f"{VALUE}{name}", "ann")
    with pytest.raises(Refused) as refused:
        await secrets.put_secret(OURS, "c", VALUE, "ann")
    assert VALUE not in str(refused.value.rejection)
    await secrets.delete(OURS, "a")
    await secrets.put_secret(OURS, "c", VALUE, "ann")
    assert [secret["name"] for secret in await secrets.list(OURS)] == ["b", "c"]


async def test_without_keys_nothing_is_kept(engine: Engine) -> None:
    keys = KeyStore(engine.mongo, Keyring({}))
    with pytest.raises(Unavailable, match="ENCRYPTION_KEYS"):
        await SecretStore(engine.mongo, Sealer(keys), keys).put_secret(OURS, "crm", VALUE, "ann")
