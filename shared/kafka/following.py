"""How far a reader follows its partitions: what stands in the log unread may say the opposite of what was read."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from aiokafka import AIOKafkaConsumer, TopicPartition

from shared import clock
from shared.messages import Record

_LATELY_MS = 1000
"""A fetch that was answered so lately has another behind it, which brings at once whatever is written ..."""
_SILENT_MS = 20
"""... and has found nothing, where it brought nothing within this time."""
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

    def __init__(self, topic: str, consumer: Callable[[], AIOKafkaConsumer | None]) -> None:
        """`consumer`: None before the start."""
        self._topic = topic
        self._consumer = consumer
        self._in_hand: set[int] = set()
        self._begun_ms: dict[int, float] = {}
        self._handled: dict[int, int] = {}
        self._ahead: dict[int, _Mark] = {}
        self._reached_ms: dict[int, float] = {}

    def begins(self, records: tuple[Record, ...]) -> None:
        self._in_hand |= {record.partition for record in records}
        self._begun_ms |= dict.fromkeys((record.partition for record in records), _now_ms())

    def ends(self, records: tuple[Record, ...]) -> None:
        self._handled |= {record.partition: record.offset + 1 for record in records}
        self._in_hand -= {record.partition for record in records}

    def begins_anew(self) -> None:
        self._in_hand, self._begun_ms, self._handled = set(), {}, {}
        self._ahead, self._reached_ms = {}, {}

    async def followed(self) -> list[int]:
        """The partitions of ours of which nothing older than five seconds is unread."""
        since = _now_ms() - _BEHIND_MS
        return [tp.partition for tp in self._ours() if await self._read_until_ms(tp) >= since]

    async def has_read(self, partition: int, within_seconds: float) -> bool:
        """Waits until all is handled that was written before the call. False where that takes longer, or the partition
        is not ours (any more)."""
        tp, since = TopicPartition(self._topic, partition), _now_ms()
        while tp in self._ours():
            if await self._read_until_ms(tp) >= since:
                return True
            if _now_ms() >= since + within_seconds * 1000:
                return False
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
        if handled >= end and self._is_silent(tp.partition, told):
            return _now_ms()
        ahead = self._ahead.setdefault(tp.partition, _Mark(end, told))
        if handled >= ahead.end:
            self._reached_ms[tp.partition] = ahead.told_ms
            self._ahead[tp.partition] = _Mark(end, told)
        return self._reached_ms.get(tp.partition, 0.0)

    def _is_silent(self, partition: int, told_ms: float) -> bool:
        """Of one at the end: the fetch for more is under way since the last answer, or since its records were taken."""
        now = _now_ms()
        asked = max(told_ms, self._begun_ms.get(partition, 0.0))
        return told_ms >= now - _LATELY_MS and asked <= now - _SILENT_MS

    async def _handled_to(self, consumer: AIOKafkaConsumer, tp: TopicPartition) -> int:
        """The offset below which everything is."""
        if tp.partition in self._in_hand:
            return self._handled.get(tp.partition, 0)
        return int(await consumer.position(tp))


def _now_ms() -> float:
    return clock.now().timestamp() * 1000
