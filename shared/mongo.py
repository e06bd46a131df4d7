"""MongoDB, behind this module and the `store.py` of each service only: a new driver is a change to those few files."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

from bson.codec_options import CodecOptions
from motor.motor_asyncio import AsyncIOMotorClient
from pymongo import IndexModel
from pymongo.errors import BulkWriteError, ConnectionFailure, OperationFailure, PyMongoError
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from shared.settings import ServiceSettings

Document = dict[str, Any]
Indexes = Mapping[str, Sequence[IndexModel]]
"""By collection."""
Collection = Any
"""A motor collection; motor ships no types."""

StoreFault = PyMongoError
StoreAway = ConnectionFailure
"""The faults of a database that does not answer, or not yet: all others are about what was asked of it."""
DUPLICATE_KEY = 11000
_NO_SUCH_INDEX = 27
_CONNECT_MS = 5_000
_ANSWER_MS = 20_000
"""A server that is frozen keeps its connections open. The driver tries once more, and both tries together must be over
before a consumer that waits for them counts as deaf (shared/service.py)."""
_NEVER_STORABLE = frozenset({2, 9, 14, 15, 22, 28, 52, 57, 10334, 17419, 17420})
"""Codes of the server for what no other try can change: beyond 16 MB, nested too deep, names or values of no use."""


class Unstorable(Exception):
    """The database takes no such document. Unlike a StoreFault, trying again is of no use."""


class Mongo:
    """One service's database: majority-acknowledged, journalled writes; times come back aware, in UTC.

    `beside`: what every collection's name ends with, of a copy that is made beside those in use.
    """

    def __init__(self, settings: ServiceSettings, service: str, beside: str = "") -> None:
        self._beside = beside
        self._client: Any = AsyncIOMotorClient(
            settings.mongodb_uri,
            appname=service,
            serverSelectionTimeoutMS=_CONNECT_MS,
            connectTimeoutMS=_CONNECT_MS,
            socketTimeoutMS=_ANSWER_MS,
            tz_aware=True,
            retryWrites=True,
            **settings.options(),
        )
        self.name = f"{settings.database_prefix}_{service}"
        self._database = self._client.get_database(
            self.name,
            codec_options=CodecOptions(tz_aware=True),
            write_concern=WriteConcern(w="majority", j=True, wtimeout=10_000),
            read_concern=ReadConcern("majority"),
        )

    def collection(self, name: str) -> Collection:
        return self._database[f"{name}{self._beside}"]

    async def create_indexes(self, indexes: Indexes) -> None:
        """Creates what is missing; what is there already is left alone."""
        for collection, models in indexes.items():
            await self.collection(collection).create_indexes(list(models))

    async def drop_indexes(self, retired: Mapping[str, Sequence[str]]) -> None:
        """Drops those that are there, by collection; any other, such as one that an operator made, is left alone."""
        for collection, names in retired.items():
            there = await self.collection(collection).index_information()
            for name in there.keys() & set(names):
                await self._drop_index(collection, name)

    async def _drop_index(self, collection: str, name: str) -> None:
        try:
            await self.collection(collection).drop_index(name)
        except OperationFailure as error:
            if error.code != _NO_SUCH_INDEX:  # another instance, which starts at the same time, was quicker
                raise

    async def put_in_use(self, name: str) -> None:
        """The copy that is beside takes the place of the collection, at once, with its indexes."""
        await self.collection(name).rename(name, dropTarget=True)

    async def drop(self, name: str) -> None:
        await self._database.drop_collection(f"{name}{self._beside}")

    async def ping(self) -> None:
        await self._client.admin.command("ping")

    async def server_time(self) -> datetime:
        """Returns the primary's clock, to the millisecond."""
        told: datetime = (await self._client.admin.command("hello"))["localTime"]
        return told.replace(tzinfo=UTC)

    async def close(self) -> None:
        self._client.close()


class ImpatientCollection:
    """A collection for requests that can do without it: each call ends within `seconds`, with StoreAway if need be.

    After one that did not end, all fail at once for `pause_seconds`: otherwise each request would wait in vain.
    """

    def __init__(self, collection: Collection, seconds: float, pause_seconds: float) -> None:
        self._collection = collection
        self._seconds = seconds
        self._pause_seconds = pause_seconds
        self._paused_until = 0.0

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        return partial(self._call, getattr(self._collection, name))

    async def _call(self, method: Callable[..., Awaitable[Any]], *arguments: Any, **options: Any) -> Any:
        now = asyncio.get_running_loop().time()
        if now < self._paused_until:
            raise StoreAway("MongoDB did not answer a moment ago")
        try:
            async with asyncio.timeout(self._seconds):
                return await method(*arguments, **options)
        except TimeoutError:
            self._paused_until = asyncio.get_running_loop().time() + self._pause_seconds
            raise StoreAway(f"MongoDB did not answer within {self._seconds:g} s") from None


async def bulk_write(collection: Collection, operations: Sequence[Any]) -> set[int]:
    """Writes in any order, in one round trip.

    Returns the positions of the operations that met an existing unique key. Any other failure raises.
    """
    _, duplicates = await guarded_write(collection, operations)
    return duplicates


async def guarded_write(collection: Collection, operations: Sequence[Any]) -> tuple[int, set[int]]:
    """As bulk_write; returns also how many operations took effect: inserts, and updates whose filter matched.

    Raises Unstorable where one of them never can; the others may have taken effect then.
    """
    if not operations:
        return 0, set()
    try:
        result = await collection.bulk_write(list(operations), ordered=False)
    except OperationFailure as error:
        return _what_took_effect(error)
    return result.inserted_count + result.matched_count, set()


def _what_took_effect(error: OperationFailure) -> tuple[int, set[int]]:
    """Raises the error, or Unstorable, where it is about more than keys that exist."""
    details: Mapping[str, Any] = error.details or {}
    failures = details.get("writeErrors", ())
    codes = {failure["code"] for failure in failures} or {error.code}
    if not codes.isdisjoint(_NEVER_STORABLE):
        raise Unstorable(str(error)[:300]) from error
    if not isinstance(error, BulkWriteError) or details.get("writeConcernErrors") or codes != {DUPLICATE_KEY}:
        raise error
    return details["nInserted"] + details["nMatched"], {failure["index"] for failure in failures}
