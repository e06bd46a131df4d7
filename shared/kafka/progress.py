"""How far another service has come with a topic: what its group has committed, beside where the log ends."""

import asyncio
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import UnknownTopicOrPartitionError

from contracts.topics import Topic
from shared.settings import ServiceSettings


class GroupProgress:
    """Looks at a group without joining it. Everything raises KafkaError where the broker does not answer."""

    def __init__(self, settings: ServiceSettings, topic: Topic, group: str) -> None:
        self._settings = settings
        self._topic = topic
        self._group = group
        self._consumer: Any = None
        self._starting = asyncio.Lock()

    async def ends(self) -> dict[int, int]:
        """By partition, the offset of the next record; of those that hold or held any."""
        consumer = await self._started()
        ends = await consumer.end_offsets(await self._partitions(consumer))
        return {tp.partition: end for tp, end in ends.items() if end > 0}

    async def has_committed(self, ends: dict[int, int]) -> bool:
        """Whether the group has taken all below these. A group that has never committed is one that nobody reads in."""
        consumer = await self._started()
        partitions = await self._partitions(consumer)
        found = await asyncio.gather(*map(consumer.committed, partitions))
        committed = {tp.partition: offset for tp, offset in zip(partitions, found, strict=True) if offset is not None}
        return not committed or all(committed.get(partition, 0) >= end for partition, end in ends.items())

    async def stop(self) -> None:
        if self._consumer:
            await self._consumer.stop()

    async def _started(self) -> Any:
        async with self._starting:
            if self._consumer is None:
                consumer = AIOKafkaConsumer(
                    bootstrap_servers=self._settings.kafka_bootstrap_servers,
                    group_id=self._group,
                    enable_auto_commit=False,
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
