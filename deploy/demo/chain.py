"""The log itself: each run's events on `run.events` are numbered without gaps, and each holds the hash of the last."""

import asyncio
import os
from collections.abc import Collection
from itertools import pairwise
from typing import Any

import orjson
from aiokafka import AIOKafkaConsumer

from contracts import topics
from deploy.demo.errors import require
from shared.kafka_settings import connection_options, read_kafka_settings
from shared.messages import hash_of

READ_SECONDS = 20.0
Event = dict[str, Any]


class EventLog:
    """Reads what is written to run.events after `start`."""

    def __init__(self, bootstrap_servers: str) -> None:
        self._consumer: Any = AIOKafkaConsumer(
            topics.RUN_EVENTS.name,
            **connection_options(read_kafka_settings(os.environ, bootstrap_servers)),
            group_id=None,
            enable_auto_commit=False,
        )
        self._events: dict[str, dict[int, Event]] = {}

    async def start(self) -> None:
        await self._consumer.start()
        await self._consumer.seek_to_end()
        for partition in self._consumer.assignment():
            await self._consumer.position(partition)

    async def stop(self) -> None:
        await self._consumer.stop()

    async def verify(self, run_ids: Collection[str]) -> int:
        """Checks the chains of these runs up to where the log ends now, and gives the number of their events."""
        ends = await self._consumer.end_offsets(self._consumer.assignment())
        async with asyncio.timeout(READ_SECONDS):
            for partition, end in ends.items():
                while await self._consumer.position(partition) < end:
                    await self._read()
        for run_id in run_ids:
            _check(run_id, self._events.get(run_id, {}))
        return sum(len(self._events[run_id]) for run_id in run_ids)

    async def _read(self) -> None:
        for records in (await self._consumer.getmany(timeout_ms=200)).values():
            for record in records:
                event = orjson.loads(record.value)
                # The same event may come twice; it is then the same to the byte.
                known = self._events.setdefault(event["key"], {}).setdefault(event["sequence"], event)
                require(known == event, f"Event {event['id']} was published with two contents.")


def _check(run_id: str, by_number: dict[int, Event]) -> None:
    events = [by_number[number] for number in sorted(by_number)]
    numbers = [event["sequence"] for event in events]
    require(bool(events), f"Run {run_id} has no events.")
    require(numbers == list(range(1, len(events) + 1)), f"The events of run {run_id} have gaps: {numbers}.")
    for event in events:
        require(hash_of(event) == event["hash"], f"Event {event['id']} does not match its hash.")
    for before, after in pairwise(events):
        require(after["previous_hash"] == before["hash"], f"The chain of run {run_id} breaks at {after['id']}.")
