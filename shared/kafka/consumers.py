"""Reading: in batches, at least once, with every setting named here because the libraries' defaults lose messages."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import Any, TypeVar

import structlog
from aiokafka import ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError
from faststream import AckPolicy
from faststream.kafka import KafkaBroker

from contracts.topics import Topic
from shared.errors import Unavailable
from shared.kafka.finishing import Finish, Finishing
from shared.kafka.following import Following
from shared.kafka.handled import NO_GENERATION, HandledOffsets, age_seconds, ends_of
from shared.kafka.newer import NewerMessages
from shared.kafka.observed import ObservedConsumer, parse, unpacked
from shared.kafka.portions import portions
from shared.kafka.progress import GroupProgress, Offsets, isolation_level
from shared.kafka.record_batches import UnreadableRecords
from shared.kafka.screened import METADATA_MAX_AGE_MS
from shared.kafka_settings import connection_options
from shared.messages import MAX_MESSAGE_BYTES, Record
from shared.metrics import BATCH_SECONDS, HANDLED_AFTER, RECORDS, show_faults_of
from shared.mongo import StoreFault
from shared.settings import ServiceSettings
from shared.tracing import Taken

T = TypeVar("T")
Batch = tuple[Record, ...]
Handle = Callable[[Batch], Awaitable[Finish | None]]
SetAside = Callable[[Record, Exception], Awaitable[None]]

INFRASTRUCTURE = (KafkaError, StoreFault, OSError, TimeoutError, Unavailable)
"""What is worth trying again: the broker, the database or a neighbour does not answer."""
_LONGEST_PAUSE = 5.0
_BATCHES_TO_FINISH = 1
"""One batch is published and committed while the next is handled, and no more. What arrives meanwhile makes the batch
after that larger, which costs less for each record: with three in line, 32 clients got about a third less done."""
_LAST_WAIT_SECONDS = 0.5
_PROBE_SECONDS = 2.0
log = structlog.get_logger()


class Consumption:
    """One service's reading of one topic, in batches, by one consumer group.

    `handle` gets the records of a batch, of several partitions, in order within each. It may return what is left to do
    once its effects are written, such as publishing; that is done batch after batch while the next one is handled. Then
    the offsets are committed. While broker or database are away the same batch is tried again, after a pause that grows
    to five seconds. Any other exception is a surprise: the records are tried one by one, and the one that raises again
    goes to `set_aside`, so that nothing stops a partition. `handle` must therefore be able to take a record twice.
    """

    def __init__(
        self,
        topic: Topic,
        group: str,
        handle: Handle,
        set_aside: SetAside,
        settings: ServiceSettings,
        on_assignment: Callable[[], None] | None = None,
    ) -> None:
        self.topic = topic
        self.group = group
        self._offsets = HandledOffsets()
        self._handle = handle
        self._set_aside = set_aside
        self._settings = settings
        self._on_assignment = on_assignment
        self._subscriber: Any = None
        self._joined = False
        self._last_try: float | None = None
        self._finishing = Finishing(_BATCHES_TO_FINISH)
        self.progress = GroupProgress(settings, topic, group)
        self.following = Following(topic.name, lambda: self._consumer, self.progress.ends)
        self._stopping = False
        RECORDS.labels(topic.name)  # one that reads nothing shows it
        show_faults_of(topic.name)

    def subscribe(self, broker: KafkaBroker) -> None:
        settings = self._settings
        self._subscriber = broker.subscriber(
            self.topic.name,
            batch=True,
            group_id=self.group,
            ack_policy=AckPolicy.MANUAL,
            auto_offset_reset="earliest",
            isolation_level=isolation_level(self.topic),
            batch_timeout_ms=settings.kafka_batch_timeout_ms,
            max_records=settings.kafka_max_batch_records,
            fetch_max_wait_ms=settings.kafka_fetch_max_wait_ms,
            max_partition_fetch_bytes=MAX_MESSAGE_BYTES,
            session_timeout_ms=settings.kafka_session_timeout_ms,
            heartbeat_interval_ms=settings.kafka_session_timeout_ms // 3,
            rebalance_timeout_ms=settings.kafka_rebalance_timeout_ms,
            listener=_Listener(self),
            parser=parse,
            decoder=unpacked,
            no_reply=True,
        )
        self._subscriber(self._take)

    async def start(self) -> None:
        await self._subscriber.start()

    async def finish(self) -> None:
        """Takes no new batch, and returns when those in hand are committed, or when the time for that is over."""
        self._stopping = True
        await self._drained()
        await self._finishing.stop()

    @property
    def committed(self) -> Offsets:
        """The offset below which everything is known to be committed, for each partition that is ours."""
        return self._offsets.committed

    @property
    def partitions(self) -> set[int]:
        consumer = self._consumer
        return {tp.partition for tp in consumer.assignment()} if consumer else set()

    def ready(self) -> bool:
        """The group has been joined and its partitions are known."""
        return self._joined and self._consumer is not None

    def seconds_since_progress(self) -> float:
        """How long ago the broker was last polled with success or a batch was last tried; 0 before the start."""
        consumer = self._consumer
        moments = [m for m in (self._last_try, consumer.last_poll if consumer else None) if m is not None]
        return asyncio.get_running_loop().time() - max(moments) if moments else 0.0

    async def lag(self) -> dict[int, int]:
        """Records between what was handled and the end of the log, by partition, as of the last fetch."""
        consumer = self._consumer
        if consumer is None:
            return {}
        ends = {tp: consumer.highwater(tp) for tp in consumer.assignment()}
        known = {tp: end for tp, end in ends.items() if end is not None}
        positions = consumer.positions()
        return {tp.partition: end - self._offsets.handled(tp, positions.get(tp, end)) for tp, end in known.items()}

    def seconds_without_progress(self) -> dict[int, float]:
        """Returns how long each partition of ours has stood still; nothing while a batch is in hand."""
        consumer = self._consumer
        if consumer is None or not self._offsets.all_idle():
            return {}
        return {tp.partition: seconds for tp, seconds in consumer.seconds_without_progress().items()}

    def open_transaction_seconds(self) -> dict[int, float]:
        """Returns for how long a transaction of another producer has held back the records of each partition."""
        consumer = self._consumer
        return {tp.partition: seconds for tp, seconds in consumer.held_back_seconds().items()} if consumer else {}

    @property
    def newer(self) -> NewerMessages:
        """Returns which partitions of ours wait for an upgrade of this service."""
        return self._consumer.newer if self._consumer else NewerMessages(None)

    async def end_offsets(self) -> Offsets:
        """Returns the end of the log of every partition of the topic, ours or not.

        No record that was acknowledged before the call lies beyond it. Raises KafkaError where no broker answers.
        """
        return await self.progress.ends()

    async def broker_answers(self) -> bool:
        """Returns whether every partition of the topic has a broker that answers for it, in time for a probe."""
        try:
            async with asyncio.timeout(_PROBE_SECONDS):
                await self.progress.ends()
        except (KafkaError, OSError, TimeoutError):
            return False
        return True

    @property
    def _consumer(self) -> ObservedConsumer | None:
        return self._subscriber.consumer if self._subscriber else None

    async def _take(self, records: Batch) -> None:
        consumer, offsets = self._consumer, self._offsets
        if consumer is None or consumer.received_in != offsets.generation:
            return  # the group was rebalanced, or lost, since they were received: whoever has the partition gets them
        self.following.begins(records)
        offsets.take(records)
        for portion in portions(records):
            if self._stopping:
                return
            await self._take_portion(portion, offsets)
        self.following.ends(records)

    async def _take_portion(self, records: Batch, offsets: HandledOffsets) -> None:
        taken = Taken(records, self.group)
        with BATCH_SECONDS.labels(self.topic.name).time():
            try:
                rest = await self._until_reachable(partial(self._handle, records))
            except Exception:
                await self._finishing.done()  # what comes of these records must not overtake
                await self._one_by_one(records, taken)
                rest = None
        await self._finishing.add(partial(self._finish, records, rest, taken, offsets))

    async def _finish(self, records: Batch, rest: Finish | None, taken: Taken, offsets: HandledOffsets) -> None:
        if rest is not None:
            try:
                await self._until_reachable(rest)
            except Exception:
                await self._one_by_one(records, taken)
        taken.end()
        RECORDS.labels(self.topic.name).inc(len(records))
        HANDLED_AFTER.labels(self.topic.name).observe(age_seconds(records))
        await self._commit(ends_of(records), offsets)
        offsets.finish(records)

    async def _one_by_one(self, records: Batch, taken: Taken) -> None:
        """After a surprise: finds the record that it is."""
        for record in records:
            try:
                rest = await self._until_reachable(partial(self._handle, (record,)))
                if rest is not None:
                    await self._until_reachable(rest)
            except Exception as error:
                log.exception("record_failed", topic=self.topic.name, offset=record.offset)
                taken.failed(record, error)
                await self._put_aside(record, error)

    async def _put_aside(self, record: Record, error: Exception) -> None:
        try:
            await self._until_reachable(partial(self._set_aside, record, error))
        except Exception:  # raising would lose the records behind it: the next batch commits beyond them
            log.exception("set_aside_failed", topic=self.topic.name, partition=record.partition, offset=record.offset)

    async def _until_reachable(self, act: Callable[[], Awaitable[T]]) -> T:
        """Tries again for as long as it is the broker or the database that fails; raises anything else."""
        pause = 0.05
        while True:
            self._last_try = asyncio.get_running_loop().time()
            try:
                return await act()
            except INFRASTRUCTURE as error:
                log.warning("infrastructure_away", topic=self.topic.name, error=repr(error), retry_in=pause)
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)

    async def commit_skipped(self) -> None:
        """Commits positions beyond the last records: behind markers of transactions and unreadable batches."""
        consumer = self._consumer
        positions = consumer.positions() if consumer else {}
        if consumer and consumer.received_in == self._offsets.generation:
            await self._commit(self._offsets.skipped(positions), self._offsets)

    async def set_aside_unreadable(self, records: UnreadableRecords) -> None:
        """Sets the bytes of a batch aside, before anything is read beyond it."""
        await self._put_aside(records, records.reason)

    async def _commit(self, ends: Offsets, offsets: HandledOffsets) -> None:
        consumer = self._consumer
        if consumer is None or not ends:
            return
        try:
            await consumer.commit_in(offsets.generation, ends)
        except (CommitFailedError, IllegalStateError, KafkaError) as error:
            # The records come again, to us or to whoever owns the partition now; handlers take them twice.
            log.warning("commit_failed", topic=self.topic.name, error=str(error))
            return
        offsets.committed.update(ends)

    async def _drained(self) -> None:
        lock = self._subscriber.lock
        if isinstance(lock, contextlib.nullcontext):  # the stop came before the start was done
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._settings.shutdown_seconds):
                await lock.queue.join()
                await self._finishing.done()

    def begin_anew(self, tp: TopicPartition) -> None:
        """Forgets what was handled of a partition whose log is no longer the one that was read."""
        self._offsets.forget(tp)
        if self._on_assignment:
            self._on_assignment()

    def _assigned(self, assigned: Iterable[TopicPartition]) -> None:
        self._offsets = HandledOffsets(self._consumer.generation if self._consumer else NO_GENERATION)
        self.following.begins_anew()
        self._joined = True
        if self._on_assignment:
            self._on_assignment()
        log.info("partitions_assigned", topic=self.topic.name, partitions=sorted(tp.partition for tp in assigned))


class _Listener(ConsumerRebalanceListener):  # type: ignore[misc]
    def __init__(self, consumption: Consumption) -> None:
        self._consumption = consumption

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:  # noqa: ARG002
        await self._consumption._drained()

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        self._consumption._assigned(assigned)


class Consumers:
    """All that one service reads, behind one FastStream broker."""

    def __init__(self, settings: ServiceSettings, client_id: str) -> None:
        self.broker = KafkaBroker(
            settings.kafka_bootstrap_servers.split(","),  # FastStream takes a string for one server
            client_id=client_id,
            acks="all",
            graceful_timeout=_LAST_WAIT_SECONDS,  # `finish` has waited for the batches in hand before
            allow_auto_create_topics=False,
            metadata_max_age_ms=METADATA_MAX_AGE_MS,
            consumer_only=True,
            apply_types=False,
            serializer=None,
            logger=logging.getLogger("kafka.consumers"),
            log_level=logging.DEBUG,
        )
        self.consumptions: list[Consumption] = []
        self._settings = settings

    def add(
        self,
        topic: Topic,
        group: str,
        handle: Handle,
        set_aside: SetAside,
        on_assignment: Callable[[], None] | None = None,
    ) -> Consumption:
        """One group for each service and topic: subscribers that shared one would rebalance each other."""
        consumption = Consumption(topic, group, handle, set_aside, self._settings, on_assignment)
        consumption.subscribe(self.broker)
        self.consumptions.append(consumption)
        return consumption

    async def start(self) -> None:
        """Starts all of them at once: FastStream's own start joins one group after the other."""
        await self.broker.connect()
        config: Any = self.broker.config.broker_config
        config.builder = partial(self._build, **config.builder.keywords | connection_options(self._settings))
        await asyncio.gather(*(consumption.start() for consumption in self.consumptions))

    def _build(self, **options: Any) -> ObservedConsumer:
        reader = next(consumption for consumption in self.consumptions if consumption.group == options["group_id"])
        return ObservedConsumer(
            report=reader.set_aside_unreadable,
            on_reset=reader.begin_anew,
            on_idle=reader.commit_skipped,
            topic=reader.topic,
            **options,
        )

    async def stop(self) -> None:
        """Waits for the batches in hand, commits them, leaves the groups."""
        await asyncio.gather(*(consumption.finish() for consumption in self.consumptions))
        await self.broker.stop()
        await asyncio.gather(*(consumption.progress.stop() for consumption in self.consumptions))

    def ready(self) -> bool:
        return all(consumption.ready() for consumption in self.consumptions)
