"""Mends the close of aiokafka's fetcher, for every consumer of the process.

A fetch that has failed waits before it returns, and does not expect to be cancelled meanwhile. `Fetcher.close` cancels
it and lets its CancelledError out: `stop()` of the consumer ends there, with its connections open, and the stop of the
service with it. That happens whenever a broker is away. Where an assignment ends, aiokafka does expect it.
"""

import asyncio
from typing import Any

from aiokafka.consumer.fetcher import Fetcher

_close_unguarded = Fetcher.close


async def _close(fetcher: Any) -> None:
    """Closes as aiokafka does, once all requests under way have ended."""
    fetcher._fetch_task.cancel()
    for task in fetcher._pending_tasks:
        task.cancel()
    await asyncio.gather(fetcher._fetch_task, *fetcher._pending_tasks, return_exceptions=True)
    fetcher._pending_tasks.clear()
    await _close_unguarded(fetcher)


def guard_fetchers() -> None:
    """Puts the guard in place; calling it again changes nothing."""
    Fetcher.close = _close
