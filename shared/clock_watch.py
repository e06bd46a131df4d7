"""How far this machine's clock is from MongoDB's, which all services share."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from time import monotonic

import structlog
from prometheus_client import Gauge

from shared import clock
from shared.mongo import StoreFault

_TRIES = 3
_EVERY_SECONDS = 15.0
CLOCK_SKEW = Gauge("hera_clock_skew_seconds", "How far this machine's clock is ahead of MongoDB's")
log = structlog.get_logger()


class ClockWatch:
    """Asks for the server's time, and sets `shared.clock` by it."""

    def __init__(self, server_time: Callable[[], Awaitable[datetime]]) -> None:
        self._server_time = server_time

    async def measure(self) -> None:
        """Raises StoreFault where MongoDB does not answer."""
        uncertain, at, server = min([await self._ask() for _ in range(_TRIES)])
        ahead = clock.set_by(server, at, uncertain)
        CLOCK_SKEW.set(ahead)
        if abs(ahead) > clock.TOLERATED_SECONDS + uncertain:
            log.warning("clock_is_off", ahead_seconds=round(ahead, 3), uncertain_seconds=round(uncertain, 3))

    async def _ask(self) -> tuple[float, float, float]:
        """Returns the uncertainty, a moment by the monotonic clock, and the server's time then.

        The server may have told its time at any moment between question and answer: the middle is wrong by half of it.
        """
        began = monotonic()
        server = (await self._server_time()).timestamp()
        uncertain = (monotonic() - began) / 2
        return uncertain, began + uncertain, server

    async def keep_measuring(self) -> None:
        """One round of a background loop. What was measured last holds while MongoDB is away."""
        await asyncio.sleep(_EVERY_SECONDS)
        try:
            await self.measure()
        except StoreFault as error:
            log.warning("clock_not_measured", error=repr(error)[:300])
