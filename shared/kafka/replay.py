"""Reading a topic's whole log, apart from every consumer group: nothing is committed, nobody's reading is touched."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Self

from aiokafka import TopicPartition

from contracts.topics import Topic
from shared.kafka.consumers import Batch
from shared.kafka.newer import NewerMessage, newer_reason
from shared.kafka.progress import isolation_level
from shared.kafka.screened import ScreenedConsumer
from shared.kafka_settings import connection_options
from shared.messages import MAX_MESSAGE_BYTES
from shared.settings import ServiceSettings

_POLL_MS = 200


class Replay:
    """The topic from its first record on; goes on from where it last stood each time it is asked."""

    def __init__(self, settings: ServiceSettings, topic: Topic) -> None:
        self._settings = settings
        self._topic = topic
        self._consumer: Any = None

    async def __aenter__(self) -> Self:
        self._consumer = ScreenedConsumer(
            **connection_options(self._settings),
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level=isolation_level(self._topic),
            fetch_max_wait_ms=self._settings.kafka_fetch_max_wait_ms,
            max_partition_fetch_bytes=MAX_MESSAGE_BYTES,
            max_poll_records=self._settings.kafka_max_batch_records,
        )
        await self._consumer.start()
        partitions = self._consumer.partitions_for_topic(self._topic.name)
        if partitions is None:
            await self._consumer._client.force_metadata_update()
            partitions = self._consumer.partitions_for_topic(self._topic.name) or set()
        self._consumer.assign([TopicPartition(self._topic.name, partition) for partition in partitions])
        await self._consumer.seek_to_beginning()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._consumer.stop()

    async def up_to_now(self, handle: Callable[[Batch], Awaitable[object]]) -> int:
        """Hands over, in order, all records that were there when it was called; returns how many it handed over.

        Raises:
            NewerMessage: One of them is newer than this version of the system knows.
        """
        taken = 0
        ends = await self._consumer.end_offsets(self._consumer.assignment())
        while not await self._has_reached(ends):
            found = await self._consumer.getmany(timeout_ms=_POLL_MS)
            records = tuple(record for partition in found.values() for record in partition)
            for reason in filter(None, map(newer_reason, records)):
                raise NewerMessage(reason)
            if records:
                await handle(records)
            taken += len(records)
        return taken

    async def _has_reached(self, ends: Mapping[TopicPartition, int]) -> bool:
        for partition, end in ends.items():
            if await self._consumer.position(partition) < end:
                return False
        return True
