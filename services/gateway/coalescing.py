"""Look-ups that many ask for at once are done once, without anyone getting an answer older than the question."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Coalescer(Generic[K, V]):
    """At most one look-up of a key at a time.

    Whoever comes while one is under way joins the next, which starts when that one ends: what was looked up before the
    question was asked answers nobody.
    """

    def __init__(self, look_up: Callable[[K], Awaitable[V]]) -> None:
        self._look_up = look_up
        self._under_way: dict[K, asyncio.Task[V]] = {}
        self._next: dict[K, asyncio.Task[V]] = {}

    async def get(self, key: K) -> V:
        """Raises what the look-up raises. A caller that is cancelled leaves the look-up to the others."""
        joined = self._next.get(key)
        if joined is None:
            joined = asyncio.create_task(self._do(key, self._under_way.get(key)))
            joined.add_done_callback(_seen)
            self._next[key] = joined
        return await asyncio.shield(joined)

    async def _do(self, key: K, before: "asyncio.Task[V] | None") -> V:
        if before is not None:
            await asyncio.wait([before])
        mine = self._under_way[key] = self._next.pop(key)
        try:
            return await self._look_up(key)
        finally:
            if self._under_way[key] is mine:
                del self._under_way[key]


def _seen(task: "asyncio.Task[V]") -> None:
    """Takes the error of a look-up whose callers have all gone, so that asyncio doesn't complain about it."""
    if not task.cancelled():
        task.exception()
