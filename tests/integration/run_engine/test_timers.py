"""Timers: what is due fires once, in order, however often it is looked for and whoever dies meanwhile."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import orjson
import pytest
import pytest_asyncio
from aiokafka.errors import KafkaTimeoutError

from contracts import topics
from contracts.commands import PauseRun, ResumeRun
from services.run_engine import store
from services.run_engine.store import DueTimer
from services.run_engine.timers import IN_FLIGHT, TimerScanner, command_id
from shared import clock
from shared.mongo import Document
from tests.infrastructure import Infrastructure
from tests.integration.run_engine.engine import SOMEBODY, Commands, Engine, assert_whole
from tests.integration.running import eventually
from tests.kafka import Log

OURS, OTHERS = 3, 4
"""Partitions of run.commands."""
TIMED = {"timeout_minutes": 60, "metadata": {"reminders": [{"before_minutes": 10}, {"before_minutes": 30}]}}
"""Three timers: after 30, 50 and 60 minutes."""


class Clock:
    """The time as everybody sees it."""

    def __init__(self) -> None:
        self._now = clock.now
        self._ahead = timedelta()

    def moves(self, **by: float) -> None:
        self._ahead += timedelta(**by)

    def stops(self) -> None:
        """It moves when it is told to, and no more by itself."""
        now = self()
        self._now, self._ahead = (lambda: now), timedelta()

    def __call__(self) -> datetime:
        return self._now() + self._ahead


@dataclass
class Setting:
    """An engine, what it publishes, and scanners beside it; nothing is taken but what is delivered."""

    engine: Engine
    rival: Engine
    time: Clock
    commands: Log
    events: Log
    runs: dict[str, Commands] = field(default_factory=dict)

    def scanner(self, *partitions: int, engine: Engine | None = None) -> TimerScanner:
        engine = engine or self.engine
        return TimerScanner(engine.store, engine.publisher, lambda: partitions or {OURS}, engine.in_flight, 0.01)

    async def fire(self, *partitions: int, engine: Engine | None = None) -> list[DueTimer]:
        """What is due, as far as there is room; gives what is left."""
        scanner = self.scanner(*partitions, engine=engine)
        return await scanner.fire(await scanner.due())

    async def started(self, count: int = 1, partition: int = OURS, **step: Any) -> list[Commands]:
        started = [Commands(1, partition=partition, **(step or TIMED)) for _ in range(count)]
        await self.engine.take(*(commands.start() for commands in started))
        self.runs |= {commands.run_id: commands for commands in started}
        return started

    async def published(self) -> list[tuple[str, str]]:
        """Of our runs: run id and timer, of every FireTimer in the log, in order."""
        return [(run_id, orjson.loads(value)["data"]["timer_id"]) for run_id, value in await self._fired()]

    async def deliver(self, engine: Engine | None = None) -> None:
        """All that has been published, also what was delivered before."""
        records = [self.runs[run_id].delivered(value) for run_id, value in await self._fired()]
        if records:
            await (engine or self.engine).take(*records)

    async def _fired(self) -> list[tuple[str, bytes]]:
        found = ((record.key.decode(), record.value) for record in await self.commands.records())
        return [(run_id, value) for run_id, value in found if run_id in self.runs]

    async def happened(self, commands: Commands) -> list[str]:
        values = [r.value for r in await self.events.records() if r.key.decode() == commands.run_id]
        return [event["type"] for event in assert_whole(values)]


@pytest_asyncio.fixture(loop_scope="session")
async def setting(
    infrastructure: Infrastructure, database_prefix: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Setting]:
    time = Clock()
    monkeypatch.setattr(clock, "now", time)
    engine, rival = (Engine(infrastructure, database_prefix) for _ in range(2))
    commands, events = (Log(infrastructure.bootstrap_servers, t.name) for t in (topics.RUN_COMMANDS, topics.RUN_EVENTS))
    for one in (engine, rival):
        await one.publisher.start()
    for log in (commands, events):
        await log.open()
    await engine.mongo.collection("runs").create_indexes(store.INDEXES["runs"])
    yield Setting(engine, rival, time, commands, events)
    for log in (commands, events):
        await log.close()
    for one in (engine, rival):
        await one.publisher.stop()
        await one.mongo.close()


async def test_what_became_due_while_nobody_looked_fires_once_in_order_of_time(setting: Setting) -> None:
    (run,) = await setting.started()
    setting.time.moves(days=3)
    await setting.fire()
    assert await setting.published() == [
        (run.run_id, "reminder:step_001:1:1"),
        (run.run_id, "reminder:step_001:1:0"),
        (run.run_id, "overdue:step_001:1"),
    ]
    await setting.deliver()
    assert not await setting.scanner().due()
    told = ["RunCreated", "StepStarted", "ReminderDue", "ReminderDue", "StepOverdue"]
    assert await setting.happened(run) == told
    setting.time.moves(days=3)
    await setting.deliver(setting.rival)  # the partition has gone to another engine, which gets them once more
    assert await setting.happened(run) == told


async def test_nothing_fires_before_its_time(setting: Setting) -> None:
    (run,) = await setting.started()
    setting.time.moves(minutes=29)
    assert not await setting.scanner().due()
    setting.time.moves(minutes=2)
    await setting.fire()
    assert await setting.published() == [(run.run_id, "reminder:step_001:1:1")]


async def test_none_is_lost_and_none_fires_twice_when_the_scanner_dies_in_the_middle(setting: Setting) -> None:
    runs = await setting.started(12, timeout_minutes=60)
    setting.time.moves(hours=2)
    setting.engine.publisher.cuts.append(5)
    with pytest.raises(KafkaTimeoutError):
        await setting.fire()
    await setting.deliver()
    await setting.fire(engine=setting.rival)
    await setting.deliver(setting.rival)
    assert {run_id for run_id, _ in await setting.published()} == {run.run_id for run in runs}
    for run in runs:
        assert await setting.happened(run) == ["RunCreated", "StepStarted", "StepOverdue"]


async def test_two_engines_fire_the_timers_of_their_own_partitions(setting: Setting) -> None:
    (ours,) = await setting.started(timeout_minutes=60)
    (theirs,) = await setting.started(partition=OTHERS, timeout_minutes=60)
    setting.time.moves(hours=2)
    await setting.fire(OURS)
    assert [run_id for run_id, _ in await setting.published()] == [ours.run_id]
    await setting.fire(OTHERS, engine=setting.rival)
    assert [run_id for run_id, _ in await setting.published()] == [ours.run_id, theirs.run_id]


async def test_an_engine_without_partitions_fires_nothing(setting: Setting) -> None:
    await setting.started(timeout_minutes=60)
    setting.time.moves(hours=2)
    nobody = TimerScanner(setting.engine.store, setting.engine.publisher, lambda: (), setting.engine.in_flight, 0.01)
    assert not await nobody.due()


async def test_only_so_many_are_in_flight_and_the_rest_follow_as_they_are_taken(setting: Setting) -> None:
    runs = await setting.started(IN_FLIGHT + 5, timeout_minutes=60)
    setting.time.moves(hours=2)
    assert len(await setting.fire()) == 5
    assert len(await setting.fire()) == 5
    assert len(await setting.published()) == IN_FLIGHT
    await setting.deliver()
    assert not await setting.fire()
    await setting.deliver()
    assert len(await setting.published()) == len(runs)
    assert not await setting.scanner().due()


async def test_a_round_lasts_until_all_that_was_due_is_in_the_log(setting: Setting) -> None:
    runs = await setting.started(3 * IN_FLIGHT, timeout_minutes=60)
    setting.time.moves(hours=2)
    round_ = asyncio.create_task(setting.scanner().scan())

    async def all_are_there() -> bool:
        await setting.deliver()
        return round_.done()

    await eventually(all_are_there)
    assert len(await setting.published()) == len(runs)


async def test_a_timer_that_was_not_taken_is_published_again_after_a_while(setting: Setting) -> None:
    await setting.started(timeout_minutes=60)
    setting.time.moves(hours=2)
    for pause in (0, 4, 2, 9, 2):
        setting.time.moves(seconds=pause)
        await setting.fire()
    assert len(await setting.published()) == 3


async def test_a_refused_timer_takes_no_place_and_is_not_tried_again_at_once(setting: Setting) -> None:
    (run,) = await setting.started(timeout_minutes=60)
    setting.time.moves(hours=2)
    due = await setting.scanner().due()
    await setting.engine.take(run.complete(1))
    await setting.scanner().fire(due)
    await setting.deliver()
    assert setting.engine.in_flight.room(clock.now()) == IN_FLIGHT
    assert not setting.engine.in_flight.is_due(command_id(run.run_id, due[0].timer), clock.now())
    assert "StepOverdue" not in await setting.happened(run)


async def test_a_timer_that_was_refused_as_too_early_fires_when_its_time_has_come(setting: Setting) -> None:
    (run,) = await setting.started(timeout_minutes=60)
    setting.time.moves(hours=2)
    await setting.fire()
    setting.time.moves(hours=-2)  # it is taken by an engine whose clock is behind
    await setting.deliver()
    assert "StepOverdue" not in await setting.happened(run)
    setting.time.moves(hours=2, seconds=10)
    await setting.fire()
    await setting.deliver()
    assert await setting.happened(run) == ["RunCreated", "StepStarted", "StepOverdue"]


async def test_a_timer_that_met_a_pause_fires_after_it_although_the_pause_moved_nothing(setting: Setting) -> None:
    (run,) = await setting.started(timeout_minutes=60)
    setting.time.moves(hours=2)
    await setting.fire()
    (value,) = [value for _, value in await setting._fired()]
    setting.time.stops()
    pause, resume = PauseRun(caller=SOMEBODY, signal_id="p"), ResumeRun(caller=SOMEBODY, signal_id="r")
    await setting.engine.take(run.record(pause), run.delivered(value), run.record(resume))
    setting.time.moves(seconds=10)
    await setting.fire()
    await setting.deliver()
    assert (await setting.happened(run))[-1] == "StepOverdue"


async def test_runs_that_can_take_nothing_hold_up_no_others(setting: Setting) -> None:
    await setting.started(IN_FLIGHT, timeout_minutes=60)
    setting.time.moves(minutes=61)
    for _ in range(4):
        await setting.fire()
        setting.time.moves(seconds=30)
    (late,) = await setting.started(timeout_minutes=1)
    setting.time.moves(minutes=2)
    for _ in range(2):
        await setting.fire()
    assert (late.run_id, "overdue:step_001:1") in await setting.published()


async def test_due_timers_are_found_by_the_index_and_no_more_runs_are_looked_at(setting: Setting) -> None:
    await setting.started(40, timeout_minutes=60)
    await setting.started(40, partition=OTHERS, timeout_minutes=60)
    await setting.started(40)
    runs = setting.engine.mongo.collection("runs")
    query = {"partition": {"$in": [OURS, OTHERS]}, "next_due_at": {"$lte": clock.now() + timedelta(hours=2)}}
    plan: Document = await runs.find(query, sort=[("next_due_at", 1)], limit=10, hint="due_timers").explain()
    stages = str(plan["queryPlanner"]["winningPlan"])
    assert "'SORT'" not in stages and "COLLSCAN" not in stages
    assert plan["executionStats"]["totalDocsExamined"] <= 12
