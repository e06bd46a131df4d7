"""Work that is claimed and done in rounds, for as long as the service runs."""

import asyncio

from shared.leased_work import LeasedWork


async def _none() -> None:
    return None


async def _unasked(_: None) -> None:
    raise AssertionError


async def test_a_stop_that_comes_with_the_news_is_a_stop() -> None:
    """What ends a round and what ends the service may fall into one turn of the event loop."""
    work = LeasedWork[None](_none, _unasked, limit=1, idle_seconds=60)

    async def for_ever() -> None:
        while True:
            await work.round()

    for turns in range(4):
        loop = asyncio.create_task(for_ever())
        for _ in range(5):
            await asyncio.sleep(0)
        work.wake()
        for _ in range(turns):
            await asyncio.sleep(0)
        loop.cancel()
        ended, _ = await asyncio.wait({loop}, timeout=5)
        assert ended, f"it goes on where the stop comes {turns} turns after the news"
