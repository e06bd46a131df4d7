"""Sending: in order, keyed, acknowledged by all replicas."""

import asyncio
import contextlib
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import (
    KafkaError,
    MessageSizeTooLargeError,
    OutOfOrderSequenceNumber,
    ProducerFenced,
    UnknownProducerId,
)
from aiokafka.partitioner import murmur2

from shared.kafka_settings import connection_options
from shared.messages import MAX_MESSAGE_BYTES, OutgoingMessage
from shared.settings import ServiceSettings

_PRODUCER_IS_BEYOND_REPAIR = (OutOfOrderSequenceNumber, UnknownProducerId, ProducerFenced)
log = structlog.get_logger()


@lru_cache(maxsize=10_000)
def _hash(key: bytes) -> int:
    return int(murmur2(key)) & 0x7FFFFFFF


def _partition(key: bytes, partitions: Sequence[int], _available: Sequence[int]) -> int:
    """Where Java's clients put the key, too; the hash is remembered, for a run's key comes again and again."""
    return partitions[_hash(key) % len(partitions)]


class Unsendable(Exception):
    """A message is larger than the broker takes. Unlike a KafkaError, trying again is of no use."""


class Publisher:
    """Sends messages in order, keyed, and returns when the broker has them all (`acks=all`)."""

    def __init__(self, settings: ServiceSettings, client_id: str) -> None:
        self._settings = settings
        self._client_id = client_id
        self._producer: Any = None
        self._mending = asyncio.Lock()

    async def start(self) -> None:
        self._producer = await self._new_producer()

    async def stop(self) -> None:
        if self._producer:
            await self._producer.stop()
            self._producer = None

    async def publish(self, messages: Sequence[OutgoingMessage]) -> None:
        """Raises KafkaError where one is not acknowledged, Unsendable where one never can be; others may be out."""
        producer = self._producer
        if producer is None:
            raise KafkaError("the publisher is not started")
        try:
            if len(messages) == 1:
                await (await self._send(producer, messages[0]))
                return
            sent = [await self._send(producer, message) for message in messages]
            await asyncio.gather(*sent)
        except MessageSizeTooLargeError as error:
            raise Unsendable(str(error)) from error
        except _PRODUCER_IS_BEYOND_REPAIR:
            await self._replace(producer)
            raise

    async def _send(self, producer: AIOKafkaProducer, message: OutgoingMessage) -> "asyncio.Future[Any]":
        # One by one and not with send_batch: that one ignores keys when it chooses a partition.
        future: asyncio.Future[Any] = await producer.send(
            message.topic,
            message.value,
            key=message.key.encode(),
            partition=message.partition,
            headers=[("type", message.type.encode())],
        )
        return future

    async def _replace(self, broken: AIOKafkaProducer) -> None:
        # An idempotent producer that lost its sequence never recovers by itself (aiokafka issue 1017).
        async with self._mending:
            if self._producer is broken:
                log.warning("producer_replaced", client_id=self._client_id)
                self._producer = await self._new_producer()
                with contextlib.suppress(KafkaError):
                    await broken.stop()

    async def _new_producer(self) -> AIOKafkaProducer:
        producer = AIOKafkaProducer(
            **connection_options(self._settings),
            client_id=self._client_id,
            acks="all",
            enable_idempotence=True,
            max_request_size=MAX_MESSAGE_BYTES,
            max_batch_size=256 * 1024,
            linger_ms=4,
            partitioner=_partition,
            request_timeout_ms=10_000,
        )
        await producer.start()
        return producer
