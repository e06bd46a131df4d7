"""How far one consumer has come with each partition."""

from aiokafka import TopicPartition

from shared.kafka.progress import Offsets
from shared.messages import Record


class HandledOffsets:
    """Offsets of the partitions that are ours: taken in hand, finished, and committed."""

    def __init__(self) -> None:
        self.committed: Offsets = {}
        """The offset below which everything is known to be committed."""
        self._begun: Offsets = {}
        """The offset of the first record that a partition has brought."""
        self._taken: Offsets = {}
        self._finished: Offsets = {}

    def take(self, records: tuple[Record, ...]) -> None:
        for record in records:
            self._begun.setdefault(TopicPartition(record.topic, record.partition), record.offset)
        self._taken |= ends_of(records)

    def finish(self, records: tuple[Record, ...]) -> None:
        """Those that were taken before a rebalance count no longer: they come again."""
        self._finished |= {tp: end for tp, end in ends_of(records).items() if tp in self._taken}

    def forget(self, tp: TopicPartition) -> None:
        for offsets in (self.committed, self._begun, self._taken, self._finished):
            offsets.pop(tp, None)

    def is_idle(self, tp: TopicPartition) -> bool:
        """Returns whether nothing of the partition is in hand."""
        return self._taken.get(tp) == self._finished.get(tp)

    def all_idle(self) -> bool:
        return all(map(self.is_idle, self._taken))

    def handled(self, tp: TopicPartition, position: int) -> int:
        """Returns the offset below which everything is handled: the reader's position, unless something is in hand."""
        return position if self.is_idle(tp) else self.committed.get(tp, self._begun[tp])

    def skipped(self, positions: Offsets) -> Offsets:
        """Returns the positions beyond what is committed that no record will commit."""
        return {tp: end for tp, end in positions.items() if self.is_idle(tp) and self.committed.get(tp) != end}


def ends_of(records: tuple[Record, ...]) -> Offsets:
    """Returns the offset behind the last record of each partition."""
    return {TopicPartition(record.topic, record.partition): record.offset + 1 for record in records}
