"""Durable timers: what is due is turned into commands, so that the log stays the only way to change a run."""

import asyncio
import contextlib
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from contracts import topics
from contracts.commands import FireTimer
from contracts.events import Timer
from contracts.values import SYSTEM_CALLER
from services.run_engine.metrics import TIMERS_DUE, TIMERS_FIRED, TIMERS_LATE
from services.run_engine.store import DueTimer, RunStore
from shared import clock
from shared.kafka import Publisher
from shared.messages import OutgoingMessage, command_message

IN_FLIGHT = 20
"""So many commands of timers at most wait in the log, among and behind those of people: see decision 0037."""
SCAN_LIMIT = 500
PUBLISH_AGAIN_AFTER = timedelta(seconds=5)
LONGEST_PAUSE = timedelta(minutes=5)
_STUCK_AFTER = 3
_FORGOTTEN_AFTER = timedelta(minutes=1)


@dataclass(slots=True)
class _Publication:
    """Of a timer's command that was not seen to be taken yet."""

    again_at: datetime
    pause: timedelta = PUBLISH_AGAIN_AFTER
    times: int = 1
    refused: bool = False

    def is_in_flight(self, now: datetime) -> bool:
        """One that its run can't take, such as one with an incident, is tried on, and takes no other timer's place."""
        return not self.refused and now < self.again_at and self.times < _STUCK_AFTER

    def repeated(self, now: datetime) -> "_Publication":
        pause = min(self.pause * 2, LONGEST_PAUSE)
        return _Publication(now + pause, pause, self.times + 1)


class InFlight:
    """The timers' commands that are in the log and were not taken yet, as far as this instance knows.

    What another instance has taken, after a rebalance, counts for a few seconds more. Nothing depends on it but pace.
    """

    def __init__(self) -> None:
        self._published: dict[str, _Publication] = {}
        self._moved = asyncio.Event()

    def answered(self, name: str, accepted: bool) -> None:
        """A refused one may be found due again, such as where clocks differ; not at once."""
        known = self._published.get(name)
        if known is None:
            return
        if accepted:
            del self._published[name]
        known.refused = True
        self._moved.set()

    def add(self, name: str, now: datetime) -> None:
        known = self._published.get(name)
        self._published[name] = known.repeated(now) if known else _Publication(now + PUBLISH_AGAIN_AFTER)

    def is_due(self, name: str, now: datetime) -> bool:
        """It was never published, or long enough ago."""
        known = self._published.get(name)
        return known is None or known.again_at <= now

    def room(self, now: datetime) -> int:
        return max(0, IN_FLIGHT - sum(known.is_in_flight(now) for known in self._published.values()))

    @property
    def known(self) -> int:
        return len(self._published)

    async def moves(self, seconds: float) -> None:
        """Returns once one was taken, or after a while."""
        self._moved.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._moved.wait()

    def forget(self, now: datetime) -> None:
        """What is not found due any more when it would be published again has been taken elsewhere."""
        gone = [name for name, known in self._published.items() if known.again_at + _FORGOTTEN_AFTER < now]
        for name in gone:
            del self._published[name]


class TimerScanner:
    """Looks for due timers of the runs whose partitions this instance reads, and lets a few at a time into the log.

    A FireTimer's command id follows from run, timer and due time, so a timer that two instances find, or that is found
    again before it was taken, fires once all the same.
    """

    def __init__(
        self,
        store: RunStore,
        publisher: Publisher,
        partitions: Callable[[], Collection[int]],
        in_flight: InFlight,
        pause_seconds: float,
    ) -> None:
        self._store = store
        self._publisher = publisher
        self._partitions = partitions
        self._in_flight = in_flight
        self._pause = pause_seconds

    async def scan(self) -> None:
        """One round: what is due when it begins, as the log has room for it. At once again where that was a lot."""
        waiting = await self.due()
        many = len(waiting) >= SCAN_LIMIT
        while waiting:
            waiting = await self.fire(waiting)
            if waiting:
                await self._in_flight.moves(self._pause)
        self._in_flight.forget(clock.now())
        if not many:
            await asyncio.sleep(self._pause)

    async def due(self) -> list[DueTimer]:
        """Of up to SCAN_LIMIT runs, besides those that are in flight."""
        now = clock.now()
        found = await self._store.due_timers(self._partitions(), now, SCAN_LIMIT + self._in_flight.known)
        TIMERS_DUE.set(len(found))
        return [due for due in found if self._in_flight.is_due(command_id(due.run_id, due.timer), now)]

    async def fire(self, due: list[DueTimer]) -> list[DueTimer]:
        """Publishes the first of them, as far as there is room; gives the rest."""
        now = clock.now()
        room = self._in_flight.room(now)
        fresh, rest = due[:room], due[room:]
        await self._publisher.publish([_fire(found) for found in fresh])
        for found in fresh:
            self._in_flight.add(command_id(found.run_id, found.timer), now)
            TIMERS_FIRED.labels(found.timer.kind).inc()
            TIMERS_LATE.observe((now - found.timer.due_at).total_seconds())
        return rest


def command_id(run_id: str, timer: Timer) -> str:
    return f"timer:{run_id}:{timer.timer_id}:{int(timer.due_at.timestamp() * 1000)}"


def _fire(found: DueTimer) -> OutgoingMessage:
    name = command_id(found.run_id, found.timer)
    return command_message(
        topics.RUN_COMMANDS.name,
        found.run_id,
        FireTimer(caller=SYSTEM_CALLER, timer_id=found.timer.timer_id),
        message_id=name,
        organization_id=found.organization_id,
        correlation_id=name,
        time=clock.now(),
    )
