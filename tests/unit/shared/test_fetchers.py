"""A consumer stops while a broker is away, whatever its fetches are doing."""

import asyncio

from aiokafka.consumer.fetcher import Fetcher

import shared.kafka  # noqa: F401 - puts the guard in place


async def test_a_fetch_that_waits_for_its_next_try_does_not_break_the_close() -> None:
    waiting = {asyncio.create_task(asyncio.sleep(60)) for _ in range(3)}
    fetcher = Fetcher.__new__(Fetcher)
    fetcher._fetch_task = asyncio.create_task(asyncio.sleep(60))
    fetcher._fetch_waiters, fetcher._pending_tasks = set(), waiting.copy()
    await asyncio.sleep(0)
    await fetcher.close()
    assert fetcher._closed and all(task.cancelled() for task in waiting)
