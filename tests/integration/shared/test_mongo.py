"""What the database says to a write: taken, known already, out of reach, or never to be taken."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from pymongo import IndexModel, InsertOne, UpdateOne

from shared import mongo as driver
from shared.mongo import Collection, Mongo, StoreAway, StoreFault, Unstorable, bulk_write, guarded_write
from shared.settings import ServiceSettings
from tests.freezable import freezable
from tests.infrastructure import Infrastructure

MEGABYTE = "x" * 1024 * 1024


@pytest_asyncio.fixture(loop_scope="session")
async def mongo(infrastructure: Infrastructure, database_prefix: str) -> AsyncIterator[Mongo]:
    given = {name.lower(): value for name, value in infrastructure.settings.items()}
    made = Mongo(ServiceSettings.model_validate(given | {"database_prefix": database_prefix}), "test")
    yield made
    await made.close()


@pytest.fixture
def things(mongo: Mongo) -> Collection:
    return mongo.collection("things")


def nested(levels: int) -> dict[str, Any]:
    value: dict[str, Any] = {"a": 1}
    for _ in range(levels):
        value = {"a": value}
    return value


async def test_says_what_took_effect_and_what_was_there(things: Collection) -> None:
    assert await guarded_write(things, [InsertOne({"_id": 1}), InsertOne({"_id": 2})]) == (2, set())
    again = [
        InsertOne({"_id": 1}),
        UpdateOne({"_id": 2}, {"$set": {"a": 1}}),
        UpdateOne({"_id": 9}, {"$set": {"a": 1}}),
    ]
    assert await guarded_write(things, again) == (1, {0})


@pytest.mark.parametrize(
    "impossible",
    [
        InsertOne({"_id": 7, "text": MEGABYTE * 17}),
        InsertOne({"_id": 7, "deep": nested(185)}),
        InsertOne({"_id": 7, "deep": nested(300)}),
        UpdateOne({"_id": 1}, {"$set": {"more": MEGABYTE * 9}}),
        UpdateOne({"_id": 1}, {"$set": {"more": nested(185)}}),
    ],
    ids=["large", "deep", "deeper", "grown too large", "grown too deep"],
)
async def test_what_can_never_be_stored_is_not_tried_for_ever(things: Collection, impossible: Any) -> None:
    await bulk_write(things, [InsertOne({"_id": 1, "text": MEGABYTE * 9})])
    with pytest.raises(Unstorable):
        await bulk_write(things, [impossible])
    assert not issubclass(Unstorable, StoreFault)


@pytest.mark.parametrize("name", ["$set", "$ref", "a.b", "", "$", "_id"])
async def test_users_names_of_any_kind_are_stored(things: Collection, name: str) -> None:
    await bulk_write(things, [InsertOne({"_id": 1, "data": {name: 1}})])
    await bulk_write(things, [UpdateOne({"_id": 1}, {"$set": {"data": {name: {name: [2]}}}})])
    assert (await things.find_one({"_id": 1}))["data"] == {name: {name: [2]}}


async def test_indexes_of_earlier_versions_go_and_those_of_operators_stay(mongo: Mongo) -> None:
    await mongo.create_indexes({"things": [IndexModel([(name, 1)], name=name) for name in ("old", "of_an_operator")]})
    for _ in ("there", "gone already"):
        await mongo.drop_indexes({"things": ["old", "never_there"], "no_such_collection": ["old"]})
        assert (await mongo.collection("things").index_information()).keys() == {"_id_", "of_an_operator"}


async def test_several_instances_drop_an_index_at_once(mongo: Mongo) -> None:
    names = [f"old_{number}" for number in range(8)]
    await mongo.create_indexes({"things": [IndexModel([(name, 1)], name=name) for name in names]})
    await asyncio.gather(*(mongo.drop_indexes({"things": names}) for _ in range(4)))
    assert (await mongo.collection("things").index_information()).keys() == {"_id_"}


async def test_no_operation_waits_for_a_frozen_server_without_end(
    infrastructure: Infrastructure, database_prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(driver, "_ANSWER_MS", 300)
    given = {name.lower(): value for name, value in infrastructure.settings.items()}
    async with freezable(infrastructure.mongodb_uri) as way, asyncio.timeout(15):
        changes = {"database_prefix": database_prefix, "mongodb_uri": way.uri}
        mongo = Mongo(ServiceSettings.model_validate(given | changes), "frozen")
        things = mongo.collection("things")
        await things.insert_one({"_id": 1})
        way.freeze()
        for work in (things.find_one({"_id": 1}), guarded_write(things, [InsertOne({"_id": 2})])):
            with pytest.raises(StoreAway):
                await work
        await mongo.close()
