"""How far another service has come with a topic: what its group has committed, beside where the log ends."""

import asyncio
from typing import Any, Literal

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import UnknownTopicOrPartitionError

from contracts.topics import Topic
from shared.kafka_settings import connection_options
from shared.settings import ServiceSettings

Offsets = dict[TopicPartition, int]


def isolation_level(topic: Topic) -> Literal["read_committed", "read_uncommitted"]:
    """Returns which records a reader gets: where others write, only those whose transaction was committed."""
    return "read_committed" if topic.written_by_others else "read_uncommitted"


class GroupProgress:
    """Looks at a group without joining it. Everything raises KafkaError where the broker does not answer."""

    def __init__(self, settings: ServiceSettings, topic: Topic, group: str) -> None:
        self._settings = settings
        self._topic = topic
        self._group = group
        self._consumer: Any = None
        self._starting = asyncio.Lock()

    async def ends(self) -> Offsets:
        """The offset of the next record of every partition. No answer waits behind a fetch, as a reader's own would."""
        consumer = await self._started()
        ends: Offsets = await consumer.end_offsets(await self._partitions(consumer))
        return ends

    async def has_committed(self, ends: Offsets) -> bool:
        """Whether the group has taken all below these. A group that has never committed is one that nobody reads in."""
        consumer = await self._started()
        found = await asyncio.gather(*map(consumer.committed, ends))
        committed = {tp: offset for tp, offset in zip(ends, found, strict=True) if offset is not None}
        return not committed or all(committed.get(tp, 0) >= end for tp, end in ends.items())

    async def stop(self) -> None:
        if self._consumer:
            await self._consumer.stop()

    async def _started(self) -> Any:
        async with self._starting:
            if self._consumer is None:
                consumer = AIOKafkaConsumer(
                    **connection_options(self._settings),
                    group_id=self._group,
                    enable_auto_commit=False,
                    isolation_level=isolation_level(self._topic),
                )
                try:
                    await consumer.start()
                except BaseException:
                    await consumer.stop()
                    raise
                self._consumer = consumer
        return self._consumer

    async def _partitions(self, consumer: Any) -> list[TopicPartition]:
        found = consumer.partitions_for_topic(self._topic.name)
        if found is None:
            await consumer._client.force_metadata_update()
            found = consumer.partitions_for_topic(self._topic.name)
        if not found:
            raise UnknownTopicOrPartitionError(self._topic.name)
        return [TopicPartition(self._topic.name, partition) for partition in sorted(found)]
