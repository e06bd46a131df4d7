"""Queries that see every event that was there when they came."""

import asyncio
from collections.abc import Sequence

import structlog
from aiokafka.errors import KafkaError

from services.analytics.positions import Place, Positions
from services.analytics.settings import Settings
from shared.kafka import Consumption, GroupProgress, Pace

log = structlog.get_logger()


class Barrier:
    """Waits, bounded, until all replicas together have come to where the logs ended when the question came.

    `sources` are the groups that take the commands which events come of. What such a group has written others may be
    shown before it is published; it is published before the command is committed.
    """

    def __init__(
        self,
        consumptions: Sequence[Consumption],
        sources: Sequence[GroupProgress],
        positions: Positions,
        pace: Pace,
        settings: Settings,
    ) -> None:
        self._consumptions = consumptions
        self._sources = sources
        self._positions = positions
        self._pace = pace
        self._wait = settings.analytics_wait_seconds
        self._poll = settings.analytics_poll_seconds
        self._log_known_in: int | None = None
        """The assignment in which stored positions were compared with the log."""

    async def passed(self) -> bool:
        """False where the time ran out, or where the broker does not say where its logs end."""
        deadline = asyncio.get_running_loop().time() + self._wait
        try:
            await asyncio.wait_for(self._withdraw_what_a_lost_log_left(), self._wait)
            await asyncio.wait_for(self._all_is_published(), self._wait)
            wanted = await asyncio.wait_for(self._ends(), self._wait)
        except (KafkaError, TimeoutError) as error:
            log.warning("ends_not_reached", error=repr(error))
            return False
        if wanted is None:
            return False
        with self._pace.hurry():
            return await self._reached(wanted, deadline)

    async def _reached(self, wanted: dict[Place, int], deadline: float) -> bool:
        while short_of := await self._positions.short_of(wanted):
            left = deadline - asyncio.get_running_loop().time()
            if left <= 0:
                log.warning("analytics_behind", short_of=[f"{topic}-{partition}" for topic, partition in short_of])
                return False
            await self._positions.news(min(self._poll, left))
        return True

    async def _all_is_published(self) -> None:
        """What any answer before the question spoke of: it came of commands that were there by now."""
        await asyncio.gather(*map(self._is_taken, self._sources))

    async def _is_taken(self, source: GroupProgress) -> None:
        ends = await source.ends()
        while not await source.has_committed(ends):  # noqa: ASYNC110 - another service's news comes by no event
            await asyncio.sleep(self._poll)

    async def _withdraw_what_a_lost_log_left(self) -> None:
        """Once an assignment: a position beyond the end of its log is of a log that is gone (decision 0013)."""
        assignment = self._positions.assignments
        if self._log_known_in == assignment:
            return
        stored = await self._positions.stored()  # read before the ends, which only grow
        ends = await self._ends()
        if ends is None:
            return
        for place, offset in stored.items():
            if offset > ends.get(place, 0):
                await self._positions.withdraw(place, offset)
        self._log_known_in = assignment

    async def _ends(self) -> dict[Place, int] | None:
        """Of the partitions that hold anything; None where a topic's partitions are not known."""
        ends: dict[Place, int] = {}
        for consumption in self._consumptions:
            found = await consumption.end_offsets()
            if not found:
                return None
            ends |= {(tp.topic, tp.partition): offset for tp, offset in found.items() if offset > 0}
        return ends
