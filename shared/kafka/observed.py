"""What FastStream is given in place of its own: a consumer that notes its progress, a parser that takes any record."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from aiokafka import TopicPartition
from aiokafka.errors import CommitFailedError, IllegalGenerationError
from aiokafka.protocol.commit import OffsetCommitRequest
from faststream.kafka.message import KafkaAckableMessage

from contracts.topics import Topic
from shared.kafka.handled import NO_GENERATION, Generation
from shared.kafka.newer import NewerMessages
from shared.kafka.progress import Offsets
from shared.kafka.screened import ScreenedConsumer
from shared.messages import Record

_LONG_POLL_MS = 1000


class ObservedConsumer(ScreenedConsumer):
    """Notes when it was last polled with success, and when each partition last moved on or had nothing to read.

    A dead coordination task, or a partition that stands still, leaves a service alive and deaf. `on_idle` is awaited
    after each poll that brought nothing. A partition of `topic` is held at a message that is newer than the service.
    """

    def __init__(
        self, *topics: str, on_idle: Callable[[], Awaitable[None]], topic: Topic | None = None, **options: Any
    ) -> None:
        super().__init__(*topics, **options)
        self.newer = NewerMessages(topic)
        self.last_poll: float | None = None
        self.received_in = NO_GENERATION
        """The generation in which the last records were received."""
        self._on_idle = on_idle
        self._committing = asyncio.Lock()
        self._commits_in = NO_GENERATION
        self._moved: dict[TopicPartition, tuple[int, float]] = {}
        self._held_back: dict[TopicPartition, tuple[int, float]] = {}
        """The offset behind which an open transaction holds records back, and since when."""

    @property
    def generation(self) -> Generation:
        """Returns the group's generation that we are in; NO_GENERATION while we are in none."""
        coordinator = self._coordinator
        return (coordinator.generation, coordinator.member_id) if coordinator else NO_GENERATION

    async def commit_in(self, generation: Generation, offsets: Offsets) -> None:
        """Commits offsets that were handled in a generation.

        Raises:
            CommitFailedError: The group is in another generation by now, or we are in none.
        """
        async with self._committing:
            self._commits_in = generation
            if generation == NO_GENERATION or generation != self.generation:
                raise CommitFailedError("the group's generation has changed")
            await self.commit(offsets)

    async def _send(self, node_id: int, request: Any, **options: Any) -> Any:
        # A commit waits for the coordinator and is repeated while that is away. A member that lost its group meanwhile
        # would commit without a generation, which a coordinator that lost its log takes, from anybody.
        if isinstance(request, OffsetCommitRequest) and _generation_of(request) != self._commits_in:
            raise IllegalGenerationError("the group's generation has changed")
        return await super()._send(node_id, request, **options)

    async def getmany(self, *partitions: TopicPartition, **options: Any) -> dict[TopicPartition, list[Record]]:
        # FastStream sleeps after each empty poll, which delays what arrives meanwhile; a longer poll returns as soon
        # as there is a record.
        options["timeout_ms"] = _LONG_POLL_MS
        records: dict[TopicPartition, list[Record]] = await super().getmany(*partitions, **options)
        self.received_in = self.generation
        records = self._hold_newer(records)
        self._note_progress()
        if not records:
            await self._on_idle()
        return records

    def _hold_newer(self, records: dict[TopicPartition, list[Record]]) -> dict[TopicPartition, list[Record]]:
        """Takes out what stands from the first newer message on, to which the partition is set back."""
        now = asyncio.get_running_loop().time()
        readable = {}
        for tp, found in records.items():
            count = self.newer.readable(found)
            if count < len(found) and tp in self.assignment():
                self.pause(tp)
                self.seek(tp, found[count].offset)
                self.newer.wait(found[count], now)
            if count:
                readable[tp] = found[:count]
        if self.newer.reasons():
            self.newer.keep({tp.partition: position for tp, position in self.positions().items()})
            due = self.newer.due(now)
            self.resume(*[tp for tp in self.assignment() if tp.partition in due])
        return readable

    def positions(self) -> dict[TopicPartition, int]:
        """Returns the offset of the next record to read, of each partition where it is known; never waits."""
        subscription = self._subscription.subscription
        states = subscription.assignment if subscription else None
        if states is None:
            return {}
        known = ((tp, states.state_value(tp)) for tp in states.tps)
        return {tp: state.position for tp, state in known if state.has_valid_position}

    def readable_end(self, partition: TopicPartition) -> int | None:
        """Returns the offset up to which the broker hands out records, as of the last fetch."""
        ends = self.highwater(partition), self.last_stable_offset(partition)
        known = [end for end in ends if end is not None and end >= 0]
        return min(known) if known else None

    def seconds_without_progress(self) -> dict[TopicPartition, float]:
        """Returns how long each partition of ours has brought neither a record nor the word that there is none."""
        now = asyncio.get_running_loop().time()
        waiting = self.newer.reasons()
        moved = {tp: moved for tp, (_, moved) in self._moved.items() if tp.partition not in waiting}
        return {tp: now - min(since, self.fetched_at.get(tp, since)) for tp, since in moved.items()}

    def held_back_seconds(self) -> dict[TopicPartition, float]:
        """Returns how long an open transaction has held back what is behind its first record; 0 where there is none."""
        now = asyncio.get_running_loop().time()
        found = {tp: self._held_back.get(tp) for tp in self.assignment()}
        return {tp: now - held[1] if held else 0.0 for tp, held in found.items()}

    def _note_open_transactions(self, now: float) -> None:
        before, self._held_back = self._held_back, {}
        for tp in self.assignment():
            end, stable_end = self.highwater(tp), self.last_stable_offset(tp)
            if end is not None and stable_end is not None and 0 <= stable_end < end:
                since = before.get(tp)
                self._held_back[tp] = since if since and since[0] == stable_end else (stable_end, now)

    def _note_progress(self) -> None:
        now = self.last_poll = asyncio.get_running_loop().time()
        self._note_open_transactions(now)
        positions = self.positions()
        before = self._moved
        self._moved = {tp: before.get(tp, (-1, now)) for tp in self.assignment()}
        for tp, position in positions.items():
            end = self.readable_end(tp)
            if position != self._moved[tp][0] or (end is not None and position >= end):
                self._moved[tp] = position, now


def _generation_of(request: Any) -> Generation:
    return request._consumer_group_generation_id, request._consumer_id


async def parse(records: tuple[Record, ...]) -> KafkaAckableMessage:
    """FastStream's message around a batch. Its own parser raises on a header that is null or not UTF-8."""
    return KafkaAckableMessage(
        raw_message=records, body=b"", headers={}, batch_headers=[], message_id="", correlation_id="", consumer=None
    )


async def unpacked(message: KafkaAckableMessage) -> tuple[Record, ...]:
    records: tuple[Record, ...] = message.raw_message
    return records
