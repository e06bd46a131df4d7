"""Batches that wait for each other, and those who do not want to wait."""

import asyncio

from shared.kafka import Pace


def _now() -> float:
    return asyncio.get_running_loop().time()


async def test_rests_until_the_batch_is_old_enough() -> None:
    began = _now()
    await Pace(0.05).rest(began, 2)
    assert _now() - began >= 0.05


async def test_a_batch_that_took_its_time_does_not_rest() -> None:
    began = _now()
    await Pace(10).rest(began - 11, 2)
    assert _now() - began < 5


async def test_whoever_hurries_ends_the_rest_and_prevents_the_next() -> None:
    pace, began = Pace(30), _now()
    resting = asyncio.create_task(pace.rest(began, 2))
    await asyncio.sleep(0)
    with pace.hurry(), pace.hurry():
        await resting
        await pace.rest(_now(), 2)
    assert _now() - began < 10


async def test_rests_again_when_the_last_one_has_stopped_hurrying() -> None:
    pace = Pace(0.05)
    with pace.hurry():
        with pace.hurry():
            pass
        await pace.rest(_now(), 2)
    began = _now()
    await pace.rest(began, 2)
    assert _now() - began >= 0.05


async def test_a_single_record_is_not_waited_with() -> None:
    began = _now()
    await Pace(30).rest(began, 1)
    assert _now() - began < 10
