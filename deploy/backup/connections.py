"""The clients of a backup: the only place here that knows how MongoDB and Kafka are reached."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.protocol.admin import DescribeGroupsRequest_v3, DescribeGroupsResponse_v3
from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument
from pymongo import AsyncMongoClient
from pymongo.write_concern import WriteConcern

from shared.kafka import ScreenedConsumer
from shared.kafka_settings import connection_options
from shared.messages import MAX_MESSAGE_BYTES
from shared.settings import ServiceSettings

_ANSWER_MS = 10_000
_BATCH_BYTES = 256 * 1024
_WAITING = 2000
_RAW: Any = CodecOptions(document_class=RawBSONDocument)

# aiokafka reads this response as one of version 2, stumbles over what follows, and closes the connection.
DescribeGroupsRequest_v3.RESPONSE_TYPE = DescribeGroupsResponse_v3


def mongodb(settings: ServiceSettings) -> AsyncMongoClient[Any]:
    """Returns a client to be closed. Documents come and go as the bytes they are."""
    options = {"serverSelectionTimeoutMS": _ANSWER_MS, "appname": "backup", **settings.options()}
    return AsyncMongoClient(settings.mongodb_uri, **options)


def database(client: AsyncMongoClient[Any], settings: ServiceSettings, service: str, *, raw: bool = True) -> Any:
    """Returns one service's database; `raw`: documents come and go as the bytes they are."""
    name = f"{settings.database_prefix}_{service}"
    return client.get_database(name, _RAW if raw else None, write_concern=WriteConcern(w="majority", j=True))


@contextlib.asynccontextmanager
async def reader(settings: ServiceSettings, isolation_level: str) -> AsyncIterator[Any]:
    """A consumer outside every group, which no damaged batch stops."""
    consumer = ScreenedConsumer(
        **connection_options(settings),
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level=isolation_level,
        max_partition_fetch_bytes=MAX_MESSAGE_BYTES,
    )
    async with _started(consumer):
        yield consumer


@contextlib.asynccontextmanager
async def group_member(settings: ServiceSettings, group: str) -> AsyncIterator[Any]:
    """A consumer that reads and writes a group's offsets without joining it."""
    consumer = AIOKafkaConsumer(**connection_options(settings), group_id=group, enable_auto_commit=False)
    async with _started(consumer):
        yield consumer


@contextlib.asynccontextmanager
async def producer(settings: ServiceSettings) -> AsyncIterator[Any]:
    made = AIOKafkaProducer(
        **connection_options(settings),
        acks="all",
        enable_idempotence=True,
        max_request_size=MAX_MESSAGE_BYTES + _BATCH_BYTES,
        max_batch_size=_BATCH_BYTES,
    )
    async with _started(made):
        yield made


@contextlib.asynccontextmanager
async def admin(settings: ServiceSettings) -> AsyncIterator[AIOKafkaAdminClient]:
    client = AIOKafkaAdminClient(**connection_options(settings))
    try:
        await client.start()
        yield client
    finally:
        await client.close()


@contextlib.asynccontextmanager
async def _started(client: Any) -> AsyncIterator[None]:
    try:
        await client.start()
        yield
    finally:
        await client.stop()
