"""Durable timers: what is due is turned into commands, so that the log stays the only way to change a run."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Collection
from datetime import datetime, timedelta

from contracts import topics
from contracts.commands import FireTimer
from contracts.events import Timer
from contracts.values import SYSTEM_CALLER
from services.run_engine.metrics import TIMERS_DUE, TIMERS_FIRED, TIMERS_LATE
from services.run_engine.store import RunStore
from shared import clock
from shared.kafka import Publisher
from shared.messages import OutgoingMessage, command_message

SCAN_LIMIT = 500
PUBLISH_AGAIN_AFTER = timedelta(seconds=5)


class TimerScanner:
    """Looks for due timers of the runs whose partitions this instance reads.

    A FireTimer's command id follows from run, timer and due time, so a timer that two instances find, or that is found
    again before it was taken, fires once all the same.
    """

    def __init__(
        self, store: RunStore, publisher: Publisher, partitions: Callable[[], Collection[int]], pause_seconds: float
    ) -> None:
        self._store = store
        self._publisher = publisher
        self._partitions = partitions
        self._pause = pause_seconds
        self._published: OrderedDict[str, datetime] = OrderedDict()

    async def scan(self) -> None:
        """One round; at once again where there was more than it took."""
        now = clock.now()
        due = await self._store.due_timers(self._partitions(), now, SCAN_LIMIT)
        fresh = [(command_id(run_id, t), run_id, org, t) for run_id, org, t in due]
        fresh = [f for f in fresh if f[0] not in self._published]
        TIMERS_DUE.set(len(due))
        await self._publisher.publish([_fire(*f) for f in fresh])
        for name, _, _, timer in fresh:
            self._published[name] = now + PUBLISH_AGAIN_AFTER
            TIMERS_FIRED.labels(timer.kind).inc()
            TIMERS_LATE.observe((now - timer.due_at).total_seconds())
        self._forget()
        if len(due) < SCAN_LIMIT or not fresh:
            await asyncio.sleep(self._pause)

    def _forget(self) -> None:
        now = clock.now()
        while self._published and next(iter(self._published.values())) <= now:
            self._published.popitem(last=False)


def command_id(run_id: str, timer: Timer) -> str:
    return f"timer:{run_id}:{timer.timer_id}:{int(timer.due_at.timestamp() * 1000)}"


def _fire(name: str, run_id: str, organization_id: str, timer: Timer) -> OutgoingMessage:
    return command_message(
        topics.RUN_COMMANDS.name,
        run_id,
        FireTimer(caller=SYSTEM_CALLER, timer_id=timer.timer_id),
        message_id=name,
        organization_id=organization_id,
        correlation_id=name,
        time=clock.now(),
    )
