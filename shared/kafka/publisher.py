"""Sending: in order, keyed, acknowledged by all replicas."""

import asyncio
import contextlib
from collections.abc import Sequence
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

from shared.messages import MAX_MESSAGE_BYTES, OutgoingMessage
from shared.settings import ServiceSettings

_PRODUCER_IS_BEYOND_REPAIR = (OutOfOrderSequenceNumber, UnknownProducerId, ProducerFenced)
log = structlog.get_logger()


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
            bootstrap_servers=self._settings.kafka_bootstrap_servers,
            client_id=self._client_id,
            acks="all",
            enable_idempotence=self._settings.kafka_enable_idempotence,
            max_request_size=MAX_MESSAGE_BYTES,
            max_batch_size=256 * 1024,
            linger_ms=4,
            request_timeout_ms=10_000,
        )
        await producer.start()
        return producer
