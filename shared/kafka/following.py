"""How far a reader follows its partitions: what stands in the log unread may say the opposite of what was read."""

from dataclasses import dataclass

from aiokafka import AIOKafkaConsumer, TopicPartition

from shared import clock
from shared.messages import Record

_BEHIND_MS = 5000
"""Where records keep coming, the end is never reached; clocks may differ by as much too."""


@dataclass(frozen=True, slots=True)
class _Last:
    """The last record that was handled: when it was written, and when that was done."""

    written_ms: float = 0
    handled_ms: float = 0


class Following:
    def __init__(self) -> None:
        self._in_hand: set[int] = set()
        self._last: dict[int, _Last] = {}

    def begins(self, records: tuple[Record, ...]) -> None:
        self._in_hand |= {record.partition for record in records}

    def ends(self, records: tuple[Record, ...]) -> None:
        at = _now_ms()
        self._last |= {record.partition: _Last(record.timestamp, at) for record in records}
        self._in_hand -= {record.partition for record in records}

    def begins_anew(self) -> None:
        self._in_hand, self._last = set(), {}

    async def partitions(self, consumer: AIOKafkaConsumer) -> list[int]:
        """Those of which all is handled but what was written within the last five seconds."""
        since = _now_ms() - _BEHIND_MS
        return [tp.partition for tp in consumer.assignment() if await self._follows(consumer, tp, since)]

    async def _follows(self, consumer: AIOKafkaConsumer, tp: TopicPartition, since_ms: float) -> bool:
        last = self._last.get(tp.partition, _Last())
        if last.written_ms >= since_ms:
            return True
        end = consumer.highwater(tp)
        if end is None or tp.partition in self._in_hand:
            return False
        if consumer.last_poll_timestamp(tp) <= max(last.handled_ms, since_ms):
            return False  # the broker is away, or the answer that brought it is old, where the process stood still
        return bool(await consumer.position(tp) >= end)


def _now_ms() -> float:
    return clock.now().timestamp() * 1000
