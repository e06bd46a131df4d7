"""MongoDB, behind this module and the `store.py` of each service only: a new driver is a change to those few files."""

from collections.abc import Mapping, Sequence
from typing import Any

from bson.codec_options import CodecOptions
from motor.motor_asyncio import AsyncIOMotorClient
from pymongo import IndexModel
from pymongo.errors import BulkWriteError, PyMongoError
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from shared.settings import ServiceSettings

Document = dict[str, Any]
Collection = Any
"""A motor collection; motor ships no types."""

StoreFault = PyMongoError
DUPLICATE_KEY = 11000


class Mongo:
    """One service's database: majority-acknowledged, journalled writes; times come back aware, in UTC."""

    def __init__(self, settings: ServiceSettings, service: str) -> None:
        self._client: Any = AsyncIOMotorClient(
            settings.mongodb_uri, appname=service, serverSelectionTimeoutMS=5000, tz_aware=True, retryWrites=True
        )
        self.name = f"{settings.database_prefix}_{service}"
        self._database = self._client.get_database(
            self.name,
            codec_options=CodecOptions(tz_aware=True),
            write_concern=WriteConcern(w="majority", j=True, wtimeout=10_000),
            read_concern=ReadConcern("majority"),
        )

    def collection(self, name: str) -> Collection:
        return self._database[name]

    async def create_indexes(self, indexes: Mapping[str, Sequence[IndexModel]]) -> None:
        """Creates what is missing; what is there already is left alone."""
        for collection, models in indexes.items():
            await self._database[collection].create_indexes(list(models))

    async def ping(self) -> None:
        await self._client.admin.command("ping")

    async def close(self) -> None:
        self._client.close()


async def bulk_write(collection: Collection, operations: Sequence[Any]) -> set[int]:
    """Writes in any order, in one round trip.

    Returns the positions of the operations that met an existing unique key. Any other failure raises.
    """
    _, duplicates = await guarded_write(collection, operations)
    return duplicates


async def guarded_write(collection: Collection, operations: Sequence[Any]) -> tuple[int, set[int]]:
    """As bulk_write; returns also how many operations took effect: inserts, and updates whose filter matched."""
    if not operations:
        return 0, set()
    try:
        result = await collection.bulk_write(list(operations), ordered=False)
    except BulkWriteError as error:
        details = error.details
        failures = details["writeErrors"]
        if details.get("writeConcernErrors") or any(f["code"] != DUPLICATE_KEY for f in failures):
            raise
        return details["nInserted"] + details["nMatched"], {f["index"] for f in failures}
    return result.inserted_count + result.matched_count, set()
