"""Whatever an answer said, every read after it sees: on each endpoint, through each gateway, under load."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest_asyncio

from tests.bench.client import Answer
from tests.e2e.another import another
from tests.e2e.clients import Client, background_load, tasks_in_a_row, tenant
from tests.running_stack import RunningStack

TRIES = 2000
READERS = 8
OTHERS = 2
RUNS_OF_A_PLAYBOOK = 4
SECONDS = 900.0
"""A guard against a hang: how long it takes is the machine's."""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def gateways(stack: RunningStack) -> AsyncIterator[list[int]]:
    with another(stack, "gateway") as second:
        await second.until_ready()
        yield [stack.plan.ports["gateway"], second.port]


@dataclass
class Tally:
    """Shared by all readers: how many tries there were, and what was stale."""

    tries: int = 0
    reads: int = 0
    stale: list[str] = field(default_factory=list)
    behind: int = 0

    @property
    def enough(self) -> bool:
        return self.tries >= TRIES


@dataclass
class Known:
    """What one reader was told of one playbook and its runs; nothing older may be seen again."""

    playbook_id: str
    runs: int = 0
    completed: int = 0


class Reader:
    """Writes through one gateway and reads through one, by turns the same and the other."""

    def __init__(self, stack: RunningStack, ports: list[int], tally: Tally) -> None:
        first = tenant(stack, ports[0])
        self._clients = [Client(first), Client(tenant(stack, ports[1], first.organization_id))]
        self._turns = itertools.cycle(itertools.product((0, 1), repeat=2))
        self._tally = tally
        self._playbooks = 0
        self.writing, self.reading = self._clients

    def next_turn(self) -> None:
        self._tally.tries += 1
        write, read = next(self._turns)
        self.writing, self.reading = self._clients[write], self._clients[read]

    async def work(self) -> None:
        while not self._tally.enough:
            known = await self._create_playbook()
            for _ in range(RUNS_OF_A_PLAYBOOK):
                await self._run_through(known)

    def close(self) -> None:
        for client in self._clients:
            client.close()

    async def _create_playbook(self) -> Known:
        self.next_turn()
        playbook_id = await self.writing.created(tasks_in_a_row(2))
        self._playbooks += 1
        answers = await self._read(f"/playbooks/{playbook_id}", "/playbooks?limit=1")
        self._expect("playbook", answers[0], ("playbook_id",), playbook_id)
        self._expect("playbooks", answers[1], ("total",), self._playbooks)
        self._expect("playbooks", answers[1], ("playbooks", 0, "playbook_id"), playbook_id)
        return Known(playbook_id)

    async def _run_through(self, known: Known) -> None:
        self.next_turn()
        run_id = (await self.writing.started(known.playbook_id))["run_id"]
        known.runs += 1
        await self._sees(known, run_id, "active", 1, "step_started", {"step_001"})
        self.next_turn()
        await self.writing.completed(run_id, 1)
        await self._sees(known, run_id, "active", 2, "step_started", {"step_002"})
        self.next_turn()
        await self.writing.signalled(run_id, type="pause", reason="lunch")
        await self._sees(known, run_id, "paused", 2, "run_paused", set())
        self.next_turn()
        await self.writing.signalled(run_id, type="resume")
        await self._sees(known, run_id, "active", 2, "run_resumed", {"step_002"})
        self.next_turn()
        await self.writing.completed(run_id, 2)
        known.completed += 1
        await self._sees(known, run_id, "completed", None, "run_completed", set())

    async def _sees(
        self, known: Known, run_id: str, status: str, step: int | None, last_event: str, tasks: set[str]
    ) -> None:
        run, listed, counted, timeline, waiting, metrics = await self._read(
            f"/playbook-runs/{run_id}",
            f"/playbook-runs?playbook_id={known.playbook_id}&limit=1",
            f"/playbook-runs?playbook_id={known.playbook_id}&status=completed&limit=1",
            f"/playbook-runs/{run_id}/timeline",
            "/tasks?limit=100",
            f"/playbooks/{known.playbook_id}/metrics?period=30d",
        )
        self._expect("run", run, ("status",), status)
        self._expect("run", run, ("current_step",), step)
        self._expect("runs", listed, ("total",), known.runs)
        self._expect("runs", listed, ("runs", 0, "status"), status)
        self._expect("runs by status", counted, ("total",), known.completed)
        self._expect("timeline", timeline, ("timeline", -1, "event_type"), last_event)
        self._expect("timeline", timeline, ("summary", "current_status"), status)
        self._expect("metrics", metrics, ("metrics", "execution_stats", "total_runs"), known.runs)
        self._expect("metrics", metrics, ("metrics", "execution_stats", "completed_runs"), known.completed)
        found = {task["step_id"] for task in waiting.data()["tasks"] if task["run_id"] == run_id}
        if found != tasks:
            self._tally.stale.append(f"tasks: {found} of {run_id}, not {tasks}")

    async def _read(self, *paths: str) -> list[Answer]:
        answers = await asyncio.gather(*(self.reading.get(path) for path in paths))
        self._tally.reads += len(answers)
        self._tally.behind += sum("x-consistency" in answer.headers for answer in answers)
        return answers

    def _expect(self, what: str, answer: Answer, path: tuple[str | int, ...], expected: object) -> None:
        value: Any = answer.data()
        for name in path:
            value = value[name]
        if value != expected:
            self._tally.stale.append(f"{what}: {'.'.join(map(str, path))} is {value!r}, not {expected!r}")


async def test_no_read_after_an_answer_shows_anything_older(stack: RunningStack, gateways: list[int]) -> None:
    tally = Tally()
    readers = [Reader(stack, gateways, tally) for _ in range(READERS)]
    began = time.monotonic()
    async with asyncio.timeout(SECONDS), background_load(tenant(stack), OTHERS), asyncio.TaskGroup() as group:
        for reader in readers:
            group.create_task(reader.work())
    for reader in readers:
        reader.close()
    print(f"{tally.tries} tries, {tally.reads} reads, {tally.behind} behind, {time.monotonic() - began:.0f} s")
    assert tally.stale == []
    assert tally.behind == 0
