"""A consumer that no record stops, whoever wrote it."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import NoError, OffsetOutOfRangeError
from aiokafka.protocol.fetch import FetchRequest

from shared.kafka.record_batches import Screened, UnreadableRecords, is_costly, screen
from shared.metrics import POSITIONS_RESET, UNREADABLE_BATCHES

Report = Callable[[UnreadableRecords], Awaitable[None]]
METADATA_MAX_AGE_MS = 5000
"""How soon a group notices that a topic has partitions again. Members that join while it has none, because its log was
lost, get none; with aiokafka's default they would read nothing for five minutes, with no lag and nothing amiss."""
log = structlog.get_logger()


class ScreenedConsumer(AIOKafkaConsumer):  # type: ignore[misc]
    """Looks at each fetched batch before aiokafka does, which would stop at one that it can't read, or use any memory.

    `report` is awaited for each unreadable batch before the position moves beyond it; it may be called twice for one.
    `on_reset` is called for a partition whose log does not contain the position, so that reading begins anew.
    """

    def __init__(
        self,
        *topics: str,
        report: Report | None = None,
        on_reset: Callable[[TopicPartition], None] | None = None,
        **options: Any,
    ) -> None:
        super().__init__(*topics, **options)
        self.fetched_at: dict[TopicPartition, float] = {}
        """When the broker last answered a fetch of the partition without an error, by the loop's clock."""
        self._report = report
        self._on_reset = on_reset
        self._reported: dict[TopicPartition, tuple[int, int]] = {}
        self._send_request = self._client.send
        self._client.send = self._send  # aiokafka has no other place between a response and its reading

    async def _send(self, node_id: int, request: Any, **options: Any) -> Any:
        response = await self._send_request(node_id, request, **options)
        if isinstance(request, FetchRequest):
            positions = {TopicPartition(topic, part[0]): part[1] for topic, parts in request.topics for part in parts}
            response.topics = [
                (topic, [await self._screen(topic, part, positions) for part in parts])
                for topic, parts in response.topics
            ]
        return response

    async def _screen(
        self, topic: str, part: tuple[Any, ...], positions: Mapping[TopicPartition, int]
    ) -> tuple[Any, ...]:
        """Takes and returns a partition's part of a response: its number, its error, …, its batches."""
        number, error_code, *_, batches = part
        partition = TopicPartition(topic, number)
        self._note(partition, error_code, positions[partition])
        if not batches:
            return part
        arguments = topic, number, positions[partition], batches
        screened = await asyncio.to_thread(screen, *arguments) if is_costly(batches) else screen(*arguments)
        await self._report_unreadable(partition, screened)
        return (*part[:-1], screened.batches)

    def _note(self, partition: TopicPartition, error_code: int, position: int) -> None:
        if error_code == NoError.errno:
            self.fetched_at[partition] = asyncio.get_running_loop().time()
        elif error_code == OffsetOutOfRangeError.errno:
            POSITIONS_RESET.labels(partition.topic).inc()
            log.error("position_not_in_log", topic=partition.topic, partition=partition.partition, position=position)
            if self._on_reset is not None:
                self._on_reset(partition)

    async def _report_unreadable(self, partition: TopicPartition, screened: Screened) -> None:
        for records in screened.unreadable:
            identity = records.offset, hash(records.value)
            if self._reported.get(partition) == identity:
                continue  # it was fetched again, because a rebalance or a seek came between
            UNREADABLE_BATCHES.labels(records.topic).inc()
            log.error("batch_unreadable", topic=records.topic, partition=records.partition, reason=str(records.reason))
            if self._report is not None:
                await self._report(records)
            self._reported[partition] = identity
