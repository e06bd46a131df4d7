"""How far one consumer has come with each partition."""

from aiokafka import TopicPartition

from shared import clock
from shared.kafka.progress import Offsets
from shared.messages import Record

Generation = tuple[int, str]
"""The number of a group's generation, and the member's id in it. Numbers begin anew where a group was lost."""
NO_GENERATION: Generation = (-1, "")


class HandledOffsets:
    """Offsets of the partitions that one generation gave us: taken in hand, finished, and committed."""

    def __init__(self, generation: Generation = NO_GENERATION) -> None:
        self.generation = generation
        """The generation of the group in which the partitions were assigned; their offsets count in no other."""
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
        self._finished |= ends_of(records)

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


def age_seconds(records: tuple[Record, ...]) -> float:
    """Returns the age of the oldest record; its writer's clock may be ahead of ours."""
    return max(0.0, clock.now().timestamp() - min(record.timestamp for record in records) / 1000)
