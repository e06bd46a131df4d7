"""Kafka's part of a backup: the records of all topics, and how far each consumer group has come.

Records are written back at the offsets that they had, counted from the end of the log, because MongoDB's documents name
offsets. What stood before the first record is filled and then deleted. Gaps within a log (compaction, markers of
transactions) close; committed offsets are moved with the records behind them.
"""

import asyncio
from array import array
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import bson
from aiokafka import TopicPartition
from aiokafka.admin import RecordsToDelete
from aiokafka.errors import (
    GroupCoordinatorNotAvailableError,
    GroupLoadInProgressError,
    TopicAuthorizationFailedError,
    for_code,
)

from contracts.topics import GATEWAY_REPLIES, TOPICS, Topic
from deploy.backup.connections import admin, group_member, producer, reader
from deploy.backup.errors import RIGHTS, BackupError
from deploy.backup.folder import BackupFolder, File, Manifest, Partition
from deploy.topics import create_topics, source_topics
from shared.kafka.progress import isolation_level
from shared.settings import ServiceSettings

FOLDER = "kafka"
QUIET_SECONDS = 30.0
"""How long groups are waited for whose members were killed; a session ends after that of the services."""
DELETED_SECONDS = 60.0
_FILL_RECORDS = 20_000
_AT_ONCE = 500
Ends = dict[str, dict[int, Partition]]
Offsets = dict[str, dict[int, int]]


def kept_topics(environment: Mapping[str, str]) -> list[Topic]:
    """Returns the topics that a backup holds. Replies are only for requests that wait at this moment."""
    return [topic for topic in [*TOPICS, *source_topics(environment)] if topic != GATEWAY_REPLIES]


def groups(topics: list[Topic]) -> dict[str, Topic]:
    """Returns the consumer groups of the services, each with its topic."""
    return {topic.group(name): topic for topic in topics for name in topic.readers if " " not in name}


async def require_quiet(settings: ServiceSettings, topics: list[Topic]) -> None:
    """Raises BackupError where a service reads: what it does meanwhile would be in one store and not in the other."""
    deadline = asyncio.get_running_loop().time() + QUIET_SECONDS
    async with admin(settings) as client:
        while reading := await _groups_with_members(client, list(groups(topics))):
            if asyncio.get_running_loop().time() > deadline:
                raise BackupError(
                    f"Services are running: the consumer groups {', '.join(sorted(reading))} have members. Stop all "
                    "services but the gateway first, and start them again afterwards."
                )
            await asyncio.sleep(0.5)


async def _groups_with_members(client: Any, names: list[str]) -> list[str]:
    async with asyncio.timeout(QUIET_SECONDS):
        while True:
            try:
                responses = await client.describe_consumer_groups(names)
                break
            except (GroupCoordinatorNotAvailableError, GroupLoadInProgressError):
                await asyncio.sleep(0.2)  # a new cluster has no coordinator until it is asked for one
    return [group[1] for response in responses for group in response.groups if group[5]]


async def dump(
    settings: ServiceSettings, topics: list[Topic], folder: BackupFolder
) -> tuple[dict[str, File], Ends, Offsets]:
    """Writes a file for each topic; returns them by name, the ends of the logs, and what the groups have committed."""
    files: dict[str, File] = {}
    ends: Ends = {}
    for topic in topics:
        path = f"{FOLDER}/{topic.name}.bson.gz"
        ends[topic.name], count = await _dump_topic(settings, topic, folder, path)
        files[path] = folder.described(path, count)
    committed = {group: await _committed(settings, group, topic) for group, topic in groups(topics).items()}
    return files, ends, committed


async def _dump_topic(
    settings: ServiceSettings, topic: Topic, folder: BackupFolder, path: str
) -> tuple[dict[int, Partition], int]:
    writer = folder.writer(path)
    async with reader(settings, isolation_level(topic)) as consumer:
        partitions = await _partitions(consumer, topic.name)
        consumer.assign(partitions)
        starts, ends = await consumer.beginning_offsets(partitions), await consumer.end_offsets(partitions)
        counts = dict.fromkeys(partitions, 0)
        for tp in partitions:
            consumer.seek(tp, starts[tp])
        while any([await consumer.position(tp) < ends[tp] for tp in partitions]):
            for tp, records in (await consumer.getmany(timeout_ms=200, max_records=_AT_ONCE)).items():
                for record in records:
                    if record.offset < ends[tp]:
                        writer.write(_encoded(record))
                        counts[tp] += 1
    writer.close()
    found = {tp.partition: Partition(start=starts[tp], end=ends[tp], count=counts[tp]) for tp in partitions}
    return found, writer.count


def _encoded(record: Any) -> bytes:
    headers = [[name, value] for name, value in record.headers]
    place = {"p": record.partition, "o": record.offset, "t": record.timestamp}
    return bson.encode({**place, "k": record.key, "v": record.value, "h": headers})


async def _partitions(consumer: Any, topic: str) -> list[TopicPartition]:
    metadata = await consumer._client.fetch_all_metadata()
    numbers = metadata.partitions_for_topic(topic)
    if not numbers:
        raise BackupError(
            f"Kafka has no topic {topic}, or does not show it to this user. Run the topics job (python -m "
            f"deploy.topics) first; where it is there, {RIGHTS}"
        )
    return [TopicPartition(topic, number) for number in sorted(numbers)]


async def _committed(settings: ServiceSettings, group: str, topic: Topic) -> dict[int, int]:
    async with group_member(settings, group) as consumer:
        partitions = await _partitions(consumer, topic.name)
        found = {tp.partition: await consumer.committed(tp) for tp in partitions}
    return {partition: offset for partition, offset in found.items() if offset is not None}


async def require_empty(settings: ServiceSettings, topics: list[Topic]) -> None:
    """Raises BackupError where a topic has ever held a record."""
    async with reader(settings, "read_uncommitted") as consumer:
        metadata = await consumer._client.fetch_all_metadata()
        there = [topic.name for topic in topics if metadata.partitions_for_topic(topic.name)]
        for name in there:
            ends = await consumer.end_offsets(await _partitions(consumer, name))
            if any(ends.values()):
                raise BackupError(
                    f"Kafka is not empty: topic {name} holds records, or held some. Restore to an empty Kafka, or give "
                    "--replace, which deletes the topics first."
                )


async def delete(settings: ServiceSettings, topics: list[Topic]) -> None:
    """Deletes the topics, replies too, and waits until they are gone."""
    names = {topic.name for topic in [*topics, GATEWAY_REPLIES]}
    async with admin(settings) as client:
        there = names & set(await client.list_topics())
        response = await client.delete_topics(sorted(there)) if there else None
        for name, code in response.topic_error_codes if response else ():
            if code:
                error = for_code(code)
                hint = f" A right is missing: {RIGHTS}" if error is TopicAuthorizationFailedError else ""
                raise BackupError(f"The broker does not delete topic {name}: {error.__name__}.{hint}")
        deadline = asyncio.get_running_loop().time() + DELETED_SECONDS
        while names & set(await client.list_topics()):
            if asyncio.get_running_loop().time() > deadline:
                raise BackupError("The broker has not deleted the topics in time: try again.")
            await asyncio.sleep(0.2)


async def load(
    settings: ServiceSettings,
    environment: Mapping[str, str],
    topics: list[Topic],
    folder: BackupFolder,
    manifest: Manifest,
    ends: Ends,
    committed: Offsets,
) -> tuple[int, "Moved"]:
    """Creates the topics and writes the records below `ends` back; sets what the groups have `committed`.

    Returns how many records it has written, and how offsets have moved.
    """
    numbers = {len(partitions) for name, partitions in manifest.topics.items() if _is_sized(name, topics)}
    partitions = {"KAFKA_PARTITIONS": str(max(numbers))} if numbers else {}
    await create_topics({**environment, **partitions}, accept_lost_log=True)
    moved, written = Moved(), 0
    async with producer(settings) as writer:
        for topic in topics:
            limits = {
                partition: ends.get(topic.name, {}).get(partition, kept).end
                for partition, kept in manifest.topics.get(topic.name, {}).items()
            }
            written += await _load_topic(settings, writer, folder, topic.name, limits, moved)
    for group, topic in groups(topics).items():
        await _commit(settings, group, topic.name, committed.get(group, {}), moved)
    return written, moved


def _is_sized(name: str, topics: list[Topic]) -> bool:
    return any(topic.name == name and topic.partitions is None for topic in topics)


class Moved:
    """Where offsets of the earlier log are in the new one. They differ where the earlier log had gaps."""

    def __init__(self) -> None:
        self._offsets: dict[tuple[str, int], tuple[Sequence[int], int]] = {}

    def note(self, topic: str, partition: int, offsets: Sequence[int], end: int) -> None:
        """`offsets`: those of the records that are kept, in order. `end`: of both logs."""
        self._offsets[topic, partition] = offsets, end

    def of(self, topic: str, partition: int, offset: int) -> int:
        """Returns the offset before which there is, in the new log, what was before `offset` in the earlier one.

        Beyond the end it is the end: of a log that is older than who names the offset.
        """
        offsets, end = self._offsets.get((topic, partition), ((), offset))
        return min(end, end - len(offsets) + bisect_left(offsets, offset))


async def _load_topic(
    settings: ServiceSettings, writer: Any, folder: BackupFolder, topic: str, limits: Mapping[int, int], moved: Moved
) -> int:
    """Writes the records of each partition that stand below its limit, in their order."""
    offsets: dict[int, array[int]] = {partition: array("q") for partition in limits}
    for record in _records(folder, topic, limits):
        offsets[record["p"]].append(record["o"])
    for partition, end in limits.items():
        moved.note(topic, partition, offsets[partition], end)
        await _fill(settings, writer, topic, partition, end - len(offsets[partition]))
    sent: list[Any] = []
    last: dict[int, int] = {}
    for record in _records(folder, topic, limits):
        headers = [(name, value) for name, value in record["h"]]
        options = {"partition": record["p"], "timestamp_ms": record["t"], "headers": headers}
        sent.append(await writer.send(topic, record["v"], record["k"], **options))
        if len(sent) >= _AT_ONCE:
            last |= {written.partition: written.offset for written in await asyncio.gather(*sent)}
            sent = []
    last |= {written.partition: written.offset for written in await asyncio.gather(*sent)}
    if any(offset != limits[partition] - 1 for partition, offset in last.items()):
        raise BackupError(f"Somebody else writes to {topic}: stop it, and restore again with --replace.")
    return sum(map(len, offsets.values()))


def _records(folder: BackupFolder, topic: str, limits: Mapping[int, int]) -> Iterator[Any]:
    found = folder.documents(f"{FOLDER}/{topic}.bson.gz") if limits else iter(())
    return (record for record in found if record["o"] < limits[record["p"]])


async def _fill(settings: ServiceSettings, writer: Any, topic: str, partition: int, count: int) -> None:
    """Writes so many empty records and deletes them, so that the next one has the offset `count`."""
    left = count
    while left:
        batch = writer.create_batch()
        added = 0
        while added < min(left, _FILL_RECORDS) and batch.append(key=None, value=None, timestamp=None) is not None:
            added += 1
        batch.close()
        await (await writer.send_batch(batch, topic, partition=partition))
        left -= added
    if count:
        async with admin(settings) as client:
            await client.delete_records({TopicPartition(topic, partition): RecordsToDelete(before_offset=count)})


async def _commit(settings: ServiceSettings, group: str, topic: str, offsets: dict[int, int], moved: Moved) -> None:
    if offsets:
        async with group_member(settings, group) as consumer:
            places = {TopicPartition(topic, p): moved.of(topic, p, offset) for p, offset in offsets.items()}
            consumer.assign(list(places))
            await consumer.commit(places)
