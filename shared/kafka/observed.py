"""What FastStream is given in place of its own: a consumer that notes its polls, and a parser that takes any record."""

import asyncio
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from faststream.kafka.message import KafkaAckableMessage

from shared.messages import Record

_LONG_POLL_MS = 1000


class ObservedConsumer(AIOKafkaConsumer):  # type: ignore[misc]
    """Notes when it was last polled with success: a dead coordination task leaves a service alive and deaf."""

    last_poll: float | None = None

    async def getmany(self, *partitions: TopicPartition, **options: Any) -> dict[TopicPartition, list[Record]]:
        # FastStream sleeps after each empty poll, which delays what arrives meanwhile; a longer poll returns as soon
        # as there is a record.
        options["timeout_ms"] = _LONG_POLL_MS
        records: dict[TopicPartition, list[Record]] = await super().getmany(*partitions, **options)
        self.last_poll = asyncio.get_running_loop().time()
        return records


async def parse(records: tuple[Record, ...]) -> KafkaAckableMessage:
    """FastStream's message around a batch. Its own parser raises on a header that is null or not UTF-8."""
    return KafkaAckableMessage(
        raw_message=records, body=b"", headers={}, batch_headers=[], message_id="", correlation_id="", consumer=None
    )


async def unpacked(message: KafkaAckableMessage) -> tuple[Record, ...]:
    records: tuple[Record, ...] = message.raw_message
    return records
