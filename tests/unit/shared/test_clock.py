"""The time of a machine whose clock is off is MongoDB's."""

import asyncio
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest

from shared import clock
from shared.clock_watch import CLOCK_SKEW, ClockWatch

SLACK_SECONDS = 0.5


@pytest.fixture(autouse=True)
def clock_of_this_machine() -> Iterator[None]:
    yield
    clock.set_by(time.time(), time.monotonic(), 0)


def server(ahead_seconds: float, delay_seconds: float = 0) -> ClockWatch:
    """A watch on a server whose clock is ahead of the true time."""

    async def tell() -> datetime:
        await asyncio.sleep(delay_seconds)
        return datetime.fromtimestamp(true_time() + ahead_seconds, UTC)

    return ClockWatch(tell)


true_time = time.time


def error_seconds(of: Callable[[], float] = true_time) -> float:
    return abs(clock.now().timestamp() - of())


@pytest.mark.parametrize("ahead", [30.0, -30.0, 1.5])
async def test_a_clock_that_is_off_is_corrected_and_the_difference_shown(
    monkeypatch: pytest.MonkeyPatch, ahead: float
) -> None:
    monkeypatch.setattr(time, "time", lambda: true_time() + ahead)
    await server(0).measure()
    assert error_seconds() < SLACK_SECONDS
    assert CLOCK_SKEW._value.get() == pytest.approx(ahead, abs=SLACK_SECONDS)


async def test_a_small_difference_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: true_time() + 0.8)
    await server(0).measure()
    assert clock.now().timestamp() - true_time() == pytest.approx(0.8, abs=0.1)


async def test_a_slow_answer_proves_no_difference() -> None:
    await server(ahead_seconds=-1.2, delay_seconds=0.5).measure()
    assert error_seconds() < 0.1


async def test_setting_the_machine_s_clock_does_not_move_time(monkeypatch: pytest.MonkeyPatch) -> None:
    await server(0).measure()
    monkeypatch.setattr(time, "time", lambda: true_time() + 3600)
    assert error_seconds() < 0.1
    await server(0).measure()
    assert error_seconds() < 0.1


async def test_a_clock_that_is_right_again_is_used_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: true_time() + 30)
    await server(0).measure()
    monkeypatch.setattr(time, "time", true_time)
    await server(0).measure()
    assert error_seconds() < 0.01
