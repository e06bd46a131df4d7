"""How far each partition has been taken into the summaries, kept where every replica can read it."""

import asyncio
from collections.abc import Mapping
from typing import Protocol

from pymongo import UpdateOne

from shared.kafka import Batch
from shared.mongo import Mongo, bulk_write

Place = tuple[str, int]
"""Topic and partition."""


class Records(Protocol):
    """Who is told how far the log has been taken in."""

    async def record(self, records: Batch) -> None: ...


class Positions:
    """Offsets up to which everything is written: the offset of the next record."""

    def __init__(self, mongo: Mongo) -> None:
        self._positions = mongo.collection("positions")
        self._own: dict[Place, int] = {}
        self.assignments = 0
        """How often partitions were assigned to this process, or their reading began anew."""
        self._news = asyncio.Event()

    async def record(self, records: Batch) -> None:
        """After what the batch means has been written."""
        reached = {(record.topic, record.partition): record.offset + 1 for record in records}
        # Set and not raised: a broker that starts anew counts from 0 again, and then so must we.
        await bulk_write(
            self._positions,
            [
                UpdateOne({"_id": {"topic": topic, "partition": partition}}, {"$set": {"offset": offset}}, upsert=True)
                for (topic, partition), offset in reached.items()
            ],
        )
        self._own.update(reached)
        self._news.set()
        self._news = asyncio.Event()

    def forget(self, topic: str) -> None:
        """What this process knows by itself: after a rebalance others may go on from there."""
        self.assignments += 1
        self._own = {place: offset for place, offset in self._own.items() if place[0] != topic}

    async def short_of(self, wanted: Mapping[Place, int]) -> list[Place]:
        """Where less than what is wanted has been taken in.

        Looks into the database only for what this process does not know by itself.
        """
        open_places = [place for place, offset in wanted.items() if self._own.get(place, 0) < offset]
        if not open_places:
            return []
        ids = [{"topic": topic, "partition": partition} for topic, partition in open_places]
        found = {
            (d["_id"]["topic"], d["_id"]["partition"]): d["offset"]
            async for d in self._positions.find({"_id": {"$in": ids}})
        }
        return [place for place in open_places if found.get(place, 0) < wanted[place]]

    async def stored(self) -> dict[Place, int]:
        return {
            (d["_id"]["topic"], d["_id"]["partition"]): d["offset"]
            async for d in self._positions.find({}, {"offset": 1})
        }

    async def withdraw(self, place: Place, offset: int) -> None:
        """Unless it has changed meanwhile."""
        topic, partition = place
        await self._positions.delete_one({"_id": {"topic": topic, "partition": partition}, "offset": offset})

    async def news(self, seconds: float) -> None:
        """Returns when this process has come further, or after that time."""
        try:
            async with asyncio.timeout(seconds):
                await self._news.wait()
        except TimeoutError:
            return
