"""Looking into topics from outside: which partitions there are, what came, how far a group is."""

import os
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from shared.kafka_settings import connection_options, read_kafka_settings


def client_options(bootstrap_servers: str) -> dict[str, Any]:
    """Returns what a test's client connects with: the KAFKA_… security settings of the environment, if any."""
    return connection_options(read_kafka_settings(os.environ, bootstrap_servers))


async def partitions_of(consumer: AIOKafkaConsumer, topic: str) -> list[TopicPartition]:
    """Raises LookupError for a topic that the broker does not have."""
    metadata = await consumer._client.fetch_all_metadata()
    numbers = metadata.partitions_for_topic(topic)
    if not numbers:
        raise LookupError(f"the broker has no topic {topic}")
    return [TopicPartition(topic, number) for number in sorted(numbers)]


async def group_lag(bootstrap_servers: str, topic: str, group: str) -> int:
    """Returns how many records lie between what the group has committed and the end of the log, in all partitions."""
    consumer = AIOKafkaConsumer(**client_options(bootstrap_servers), group_id=group, enable_auto_commit=False)
    await consumer.start()
    try:
        partitions = await partitions_of(consumer, topic)
        ends = await consumer.end_offsets(partitions)
        committed = {partition: await consumer.committed(partition) or 0 for partition in partitions}
        return sum(ends[partition] - offset for partition, offset in committed.items())
    finally:
        await consumer.stop()


class Log:
    """The records of a topic from its beginning, or from where it ended when this was opened."""

    def __init__(self, bootstrap_servers: str, topic: str) -> None:
        self._consumer = AIOKafkaConsumer(**client_options(bootstrap_servers), enable_auto_commit=False)
        self._topic = topic
        self._partitions: list[TopicPartition] = []
        self._records: list[Any] = []

    async def open(self, from_beginning: bool = False) -> None:
        await self._consumer.start()
        self._partitions = await partitions_of(self._consumer, self._topic)
        self._consumer.assign(self._partitions)
        seek = self._consumer.seek_to_beginning if from_beginning else self._consumer.seek_to_end
        await seek(*self._partitions)
        for partition in self._partitions:
            await self._consumer.position(partition)

    async def close(self) -> None:
        await self._consumer.stop()

    async def records(self) -> list[Any]:
        """All up to the end of the log as it is now."""
        ends = await self._consumer.end_offsets(self._partitions)
        while any([await self._consumer.position(p) < ends[p] for p in self._partitions]):
            for records in (await self._consumer.getmany(timeout_ms=200)).values():
                self._records += records
        return self._records
