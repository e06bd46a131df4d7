"""Look-ups are shared, and nobody gets an answer that is older than the question."""

import asyncio

import pytest

from services.gateway.coalescing import Coalescer


class Source:
    """Counts look-ups; each ends when it is let go, with its number."""

    def __init__(self) -> None:
        self.begun = 0
        self.gates: list[asyncio.Event] = []

    async def look_up(self, key: str) -> int:
        self.begun += 1
        number = self.begun
        gate = asyncio.Event()
        self.gates.append(gate)
        await gate.wait()
        if key == "broken":
            raise LookupError(number)
        return number


async def turns(count: int = 5) -> None:
    """Lets everything that can go on go on."""
    for _ in range(count):
        await asyncio.sleep(0)


async def test_those_who_come_together_share_one_look_up() -> None:
    source = Source()
    coalescer = Coalescer(source.look_up)
    asked = [asyncio.create_task(coalescer.get("a")) for _ in range(10)]
    await turns()
    source.gates[0].set()
    assert await asyncio.gather(*asked) == [1] * 10


async def test_who_comes_later_joins_the_next_look_up_and_not_the_one_under_way() -> None:
    source = Source()
    coalescer = Coalescer(source.look_up)
    early = asyncio.create_task(coalescer.get("a"))
    await turns()
    late = [asyncio.create_task(coalescer.get("a")) for _ in range(3)]
    await turns()
    assert source.begun == 1
    source.gates[0].set()
    await turns()
    source.gates[1].set()
    assert await early == 1
    assert await asyncio.gather(*late) == [2, 2, 2]


async def test_keys_do_not_wait_for_each_other() -> None:
    source = Source()
    coalescer = Coalescer(source.look_up)
    asked = [asyncio.create_task(coalescer.get(key)) for key in ("a", "b")]
    await turns()
    assert source.begun == 2
    for gate in source.gates:
        gate.set()
    assert await asyncio.gather(*asked) == [1, 2]


async def test_a_failure_goes_to_those_who_shared_it_and_to_nobody_after_them() -> None:
    source = Source()
    coalescer = Coalescer(source.look_up)
    asked = [asyncio.create_task(coalescer.get("broken")) for _ in range(2)]
    await turns()
    later = asyncio.create_task(coalescer.get("broken"))
    await turns()
    source.gates[0].set()
    for task in asked:
        with pytest.raises(LookupError, match="1"):
            await task
    await turns()
    source.gates[1].set()
    with pytest.raises(LookupError, match="2"):
        await later


async def test_a_caller_that_gives_up_leaves_the_look_up_to_the_others() -> None:
    source = Source()
    coalescer = Coalescer(source.look_up)
    gone, there = (asyncio.create_task(coalescer.get("a")) for _ in range(2))
    await turns()
    gone.cancel()
    await turns()
    source.gates[0].set()
    assert await there == 1


async def test_nothing_is_remembered_when_all_have_their_answer() -> None:
    source = Source()
    coalescer = Coalescer(source.look_up)
    for number in (1, 2):
        asked = asyncio.create_task(coalescer.get("a"))
        await turns()
        source.gates[-1].set()
        assert await asked == number
