"""Request and reply over Kafka: a command goes out, its reply comes back on one partition of the reply topic.

Each instance reads one partition of the one reply topic, assigned and not subscribed, and names it in its commands:
no topic for each instance, and no rebalance between a request and its reply. Instances that share a partition skip each
other's replies by their key, the command's id.
"""

import asyncio
import contextlib
import random
from collections import defaultdict

import structlog
from aiokafka import TopicPartition
from aiokafka.errors import KafkaTimeoutError

from contracts.envelope import ReplyAddress
from contracts.replies import Reply
from contracts.topics import Topic
from shared.kafka import NewerMessages, Parking, Publisher, ScreenedConsumer
from shared.kafka.screened import METADATA_MAX_AGE_MS
from shared.kafka_settings import connection_options
from shared.messages import MAX_MESSAGE_BYTES, Message, OutgoingMessage, Record, Unreadable, read
from shared.metrics import show_faults_of
from shared.settings import ServiceSettings

log = structlog.get_logger()


class Requester:
    """Sends commands and waits for their replies."""

    def __init__(self, settings: ServiceSettings, publisher: Publisher, topic: Topic, service: str) -> None:
        partition = random.randrange(topic.partitions or 1)
        self.address = ReplyAddress(topic=topic.name, partition=partition)
        self._topic = topic
        self._settings = settings
        self._publisher = publisher
        self._parking = Parking(publisher, topic, service)
        self.newer = NewerMessages(topic)
        """Replies that this service is too old to read. It knows them until it is replaced."""
        self._waiting: dict[str, set[asyncio.Future[Reply]]] = defaultdict(set)
        self._consumer: ScreenedConsumer | None = None
        self._reading: asyncio.Task[None] | None = None
        show_faults_of(topic.name)

    async def start(self) -> None:
        """Returns when the reader stands at the end of its partition: no reply to a later request can be missed."""
        consumer = ScreenedConsumer(
            **connection_options(self._settings),
            group_id=None,
            enable_auto_commit=False,
            metadata_max_age_ms=METADATA_MAX_AGE_MS,
            auto_offset_reset="earliest",  # where the log was lost; the reader skips replies that nobody waits for
            fetch_max_wait_ms=self._settings.kafka_fetch_max_wait_ms,
            max_partition_fetch_bytes=MAX_MESSAGE_BYTES,
        )
        await consumer.start()
        partition = TopicPartition(self.address.topic, self.address.partition)
        consumer.assign([partition])
        await consumer.seek_to_end(partition)
        await consumer.position(partition)
        self._consumer = consumer
        self._reading = asyncio.create_task(self._read(consumer))

    async def stop(self) -> None:
        if self._reading:
            self._reading.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._reading
        if self._consumer:
            await self._consumer.stop()

    def ready(self) -> bool:
        return self._reading is not None and not self._reading.done()

    @property
    def in_flight(self) -> int:
        return len(self._waiting)

    async def send(self, command: OutgoingMessage, timeout: float) -> None:
        """Without waiting for a reply. Raises KafkaError where the broker has not acknowledged it in time."""
        try:
            async with asyncio.timeout(timeout):
                await self._publisher.publish([command])
        except TimeoutError:
            raise KafkaTimeoutError("the broker has not acknowledged the command in time") from None

    async def ask(self, command_id: str, command: OutgoingMessage, timeout: float) -> Reply | None:
        """The reply, or None where none came within `timeout` seconds; the command counts all the same.

        Raises KafkaError where the command could not be handed to the broker.
        """
        reply: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._waiting[command_id].add(reply)
        handed_over = False
        try:
            async with asyncio.timeout(timeout):
                await self._publisher.publish([command])
                handed_over = True
                return await reply
        except TimeoutError:
            if not handed_over:
                raise KafkaTimeoutError("the broker has not acknowledged the command in time") from None
            return None
        finally:
            self._forget(command_id, reply)

    def _forget(self, command_id: str, reply: "asyncio.Future[Reply]") -> None:
        waiting = self._waiting[command_id]
        waiting.discard(reply)
        if not waiting:
            del self._waiting[command_id]

    async def _read(self, consumer: ScreenedConsumer) -> None:
        while True:
            try:
                batches = await consumer.getmany(timeout_ms=1000)
                for records in batches.values():
                    await self._deliver(records)
                if not batches:
                    await _return_to_log(consumer)
            except Exception as error:  # a reader that ended would leave every caller without an answer
                log.warning("reply_reader_failed", error=repr(error))
                await asyncio.sleep(0.5)

    async def _deliver(self, records: list[Record]) -> None:
        unreadable = []
        for record in records:
            command_id = (record.key or b"").decode(errors="replace")
            if command_id not in self._waiting:
                continue  # somebody else's, or nobody waits any more
            if not self.newer.readable([record]):
                self.newer.wait(record, asyncio.get_running_loop().time())
                continue  # the caller gets a 202, and the outcome as an operation
            message = read(record)
            if isinstance(message, Unreadable):
                unreadable.append(message)
            else:
                self._settle(command_id, message)
        if unreadable:
            await self._parking.park(unreadable)

    def _settle(self, command_id: str, message: Message) -> None:
        assert isinstance(message.payload, Reply)
        for reply in self._waiting[command_id]:
            if not reply.done():
                reply.set_result(message.payload)


async def _return_to_log(consumer: ScreenedConsumer) -> None:
    """A broker that lost its log begins anew below the position of the reader, which would wait for ever."""
    for partition in consumer.assignment():
        end = consumer.highwater(partition)  # as of the last fetch
        if end is not None and end < await consumer.position(partition):
            log.warning("reply_log_lost", partition=partition.partition)
            consumer.seek(partition, 0)
