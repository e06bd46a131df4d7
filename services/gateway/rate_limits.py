"""How much each organisation may ask in a minute, over all gateways together.

The count is `limits`' fixed window in MongoDB. A gateway takes from it by leases of several requests, which it then
serves without asking anybody: one look-up for each lease. Leases shrink as the window empties, so that little is left
unused in one gateway while another refuses; what is handed out never exceeds the limit. See docs/decisions/0020.
"""

import asyncio
import math
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field

import structlog
from limits import RateLimitItem, RateLimitItemPerMinute
from limits.aio.storage import MongoDBStorage
from limits.aio.strategies import FixedWindowRateLimiter
from limits.errors import StorageError
from prometheus_client import Counter

from shared.mongo_connection import MongoConnection

LEASES_IN_A_WINDOW = 20
ANSWER_SECONDS = 0.5
PAUSE_SECONDS = 5.0
"""How long a gateway goes without counting when MongoDB does not answer."""
_REMEMBERED = 10_000
RATE_LIMITED = Counter("hera_rate_limited", "Requests refused because their organisation had used up its limit")
NOT_COUNTED = Counter("hera_rate_limit_unavailable", "Times that the count could not be reached; requests went through")
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Standing:
    """What an organisation has left. `resets_at`: seconds since 1970."""

    limit: int
    remaining: int
    resets_at: float
    allowed: bool

    def seconds_left(self) -> int:
        """1 or more."""
        return max(1, math.ceil(self.resets_at - time.time()))

    def headers(self) -> dict[str, str]:
        return {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.remaining),
            "X-RateLimit-Reset": str(math.ceil(self.resets_at)),
        }


@dataclass(slots=True)
class _Window:
    item: RateLimitItem
    leased: int = 0
    """Requests that this gateway may serve yet."""
    elsewhere: int = 0
    """What the window held, after the last lease, for everybody."""
    resets_at: float = 0.0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    def is_open(self, now: float) -> bool:
        return now < self.resets_at

    def standing(self, allowed: bool) -> Standing:
        return Standing(self.item.amount, self.leased + self.elsewhere, self.resets_at, allowed)


class RateLimits:
    """`per_minute` for everybody, `of_organizations` over it for those that are named."""

    def __init__(
        self, mongodb: MongoConnection, database: str, per_minute: int, of_organizations: Mapping[str, int]
    ) -> None:
        storage = MongoDBStorage(
            f"async+{mongodb.mongodb_uri}",
            database_name=database,
            counter_collection_name="rate_limits",
            wrap_exceptions=True,
            serverSelectionTimeoutMS=int(ANSWER_SECONDS * 1000),
            socketTimeoutMS=int(ANSWER_SECONDS * 1000),
            **mongodb.options(),
        )
        self._limiter = FixedWindowRateLimiter(storage)
        self._per_minute = per_minute
        self._of_organizations = of_organizations
        self._windows: OrderedDict[str, _Window] = OrderedDict()

    async def take(self, organization_id: str) -> Standing:
        """Counts one request. Where the count can't be reached the request is allowed."""
        window = self._window(organization_id)
        if not (window.is_open(time.time()) and window.leased):
            async with window.lock:
                await self._lease(organization_id, window)
        if not window.leased:
            RATE_LIMITED.inc()
            return window.standing(allowed=False)
        window.leased -= 1
        return window.standing(allowed=True)

    def _window(self, organization_id: str) -> _Window:
        window = self._windows.get(organization_id)
        if window is None:
            amount = self._of_organizations.get(organization_id, self._per_minute)
            window = self._windows[organization_id] = _Window(RateLimitItemPerMinute(amount))
            if len(self._windows) > _REMEMBERED:
                self._windows.popitem(last=False)
        self._windows.move_to_end(organization_id)
        return window

    async def _lease(self, organization_id: str, window: _Window) -> None:
        """Nothing where another has done it meanwhile, or where the open window is known to be empty."""
        if window.is_open(time.time()) and (window.leased or not window.elsewhere):
            return
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await self._lease_counted(organization_id, window)
        except (StorageError, TimeoutError) as error:
            NOT_COUNTED.inc()
            log.warning("rate_limit_not_counted", organization_id=organization_id, error=repr(error)[:300])
            window.leased, window.elsewhere = window.item.amount, 0
            window.resets_at = time.time() + PAUSE_SECONDS

    async def _lease_counted(self, organization_id: str, window: _Window) -> None:
        """Again where another gateway took meanwhile what was there."""
        won = False
        while not won:
            stats = await self._limiter.get_window_stats(window.item, organization_id)
            window.leased, window.elsewhere, window.resets_at = 0, stats.remaining, stats.reset_time
            if stats.remaining == 0:
                return
            size = _size(window.item.amount, stats.remaining)
            won = await self._limiter.hit(window.item, organization_id, cost=size)
        if stats.remaining == window.item.amount:  # the first of a window sets its end
            window.resets_at = (await self._limiter.get_window_stats(window.item, organization_id)).reset_time
        window.leased, window.elsewhere = size, stats.remaining - size  # last: from here on others take of it


def _size(limit: int, remaining: int) -> int:
    """Of a lease: a twentieth of the limit, and less towards the window's end."""
    return min(remaining, max(1, min(limit // LEASES_IN_A_WINDOW, remaining // 4)))
