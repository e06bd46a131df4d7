"""The one polling loop."""

import asyncio
from collections.abc import Awaitable, Callable


async def until(condition: Callable[[], Awaitable[bool]], every_seconds: float = 0.05) -> None:
    """Returns when the condition holds; the caller sets the deadline."""
    while True:
        if await condition():
            return
        await asyncio.sleep(every_seconds)
