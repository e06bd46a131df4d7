"""What is left of a batch is done in order, in a short line, and dropped at a stop."""

import asyncio
from functools import partial

from shared.kafka.finishing import Finishing


class Work:
    """Finishes that are done when they are let."""

    def __init__(self) -> None:
        self.done: list[int] = []
        self.allowed = asyncio.Event()

    async def finish(self, number: int) -> None:
        await self.allowed.wait()
        self.done.append(number)


async def test_batches_are_finished_in_order() -> None:
    work, line = Work(), Finishing(3)
    for number in range(3):
        await line.add(partial(work.finish, number))
    work.allowed.set()
    await line.done()
    assert work.done == [0, 1, 2]


async def test_whoever_adds_to_a_full_line_waits_until_there_is_room() -> None:
    work, line = Work(), Finishing(1)
    adding = [asyncio.create_task(line.add(partial(work.finish, number))) for number in range(4)]
    _, waiting = await asyncio.wait(adding, timeout=0.05)
    assert waiting
    work.allowed.set()
    await asyncio.gather(*adding)
    await line.done()
    assert work.done == [0, 1, 2, 3]


async def test_a_stop_drops_what_is_left_and_lets_go_of_whoever_waits() -> None:
    work, line = Work(), Finishing(1)
    adding = [asyncio.create_task(line.add(partial(work.finish, number))) for number in range(4)]
    await asyncio.wait(adding, timeout=0.05)
    await line.stop()
    async with asyncio.timeout(5):
        await asyncio.gather(*adding)
        await line.add(partial(work.finish, 9))
    assert work.done == []
