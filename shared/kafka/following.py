"""How far a reader follows its partitions: what stands in the log unread may say the opposite of what was read."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from shared import clock
from shared.kafka.progress import Offsets
from shared.messages import Record

_BEHIND_MS = 5000
_LOOK_SECONDS = 0.01


@dataclass(frozen=True, slots=True)
class _Mark:
    """An end of the log, and when the broker told it."""

    end: int
    told_ms: float


class Following:
    """By what the broker has told, and when: clocks of those who write say nothing here.

    Where records keep coming, the end is never reached; but each that was told once is.
    """

    def __init__(
        self,
        topic: str,
        consumer: Callable[[], AIOKafkaConsumer | None],
        ends: Callable[[], Awaitable[Offsets]],
    ) -> None:
        """`consumer`: None before the start. `ends`: where the broker says that the log ends."""
        self._topic = topic
        self._consumer = consumer
        self._ends = ends
        self._in_hand: set[int] = set()
        self._handled: dict[int, int] = {}
        self._ahead: dict[int, _Mark] = {}
        self._reached_ms: dict[int, float] = {}

    def begins(self, records: tuple[Record, ...]) -> None:
        self._in_hand |= {record.partition for record in records}

    def ends(self, records: tuple[Record, ...]) -> None:
        self._handled |= {record.partition: record.offset + 1 for record in records}
        self._in_hand -= {record.partition for record in records}

    def begins_anew(self) -> None:
        self._in_hand, self._handled = set(), {}
        self._ahead, self._reached_ms = {}, {}

    async def followed(self) -> list[int]:
        """The partitions of ours of which nothing older than five seconds is unread."""
        since = _now_ms() - _BEHIND_MS
        return [tp.partition for tp in self._ours() if await self._read_until_ms(tp) >= since]

    async def has_read(self, partition: int, within_seconds: float) -> bool:
        """Waits until all is handled that was acknowledged before the call.

        False where that takes longer, the partition is not ours (any more), or no broker answers.
        """
        tp = TopicPartition(self._topic, partition)
        try:
            async with asyncio.timeout(within_seconds):
                return tp in self._ours() and await self._handles_all_below(tp, (await self._ends()).get(tp, 0))
        except (KafkaError, TimeoutError):
            return False

    async def _handles_all_below(self, tp: TopicPartition, end: int) -> bool:
        """Waits until everything below `end` is handled. Returns False if the partition goes to another instance."""
        while tp in self._ours():
            consumer = self._consumer()
            if consumer and await self._handled_to(consumer, tp) >= end:
                return True
            await asyncio.sleep(_LOOK_SECONDS)
        return False

    def _ours(self) -> set[TopicPartition]:
        consumer = self._consumer()
        return set(consumer.assignment()) if consumer else set()

    async def _read_until_ms(self, tp: TopicPartition) -> float:
        """All that was written by then is handled: in this machine's time; 0 where nothing is known."""
        consumer = self._consumer()
        end = consumer.highwater(tp) if consumer else None
        if consumer is None or end is None:
            return 0.0
        handled, told = await self._handled_to(consumer, tp), consumer.last_poll_timestamp(tp)
        ahead = self._ahead.setdefault(tp.partition, _Mark(end, told))
        if handled >= end:
            ahead = _Mark(end, told)
        if handled >= ahead.end:
            self._reached_ms[tp.partition] = ahead.told_ms
            self._ahead[tp.partition] = _Mark(end, told)
        return self._reached_ms.get(tp.partition, 0.0)

    async def _handled_to(self, consumer: AIOKafkaConsumer, tp: TopicPartition) -> int:
        """The offset below which everything is."""
        if tp.partition in self._in_hand:
            return self._handled.get(tp.partition, 0)
        return int(await consumer.position(tp))


def _now_ms() -> float:
    return clock.machine_seconds() * 1000  # as aiokafka has it
