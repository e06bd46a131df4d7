"""Several dozen runs of all five playbooks, at once, each driven to the ending that was planned for it."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from deploy.client.shapes import Run, RunRequest
from deploy.demo.errors import require
from deploy.demo.house import House
from deploy.demo.parts import Part
from deploy.demo.scripts import ENDED_AS, SCRIPTS, Ending, Script
from deploy.demo.walk import Walk

REJECTED = "reject"


@dataclass(frozen=True, slots=True)
class Plot:
    """One run: what it is about and how it shall end."""

    house: House
    script: Script
    ending: Ending
    number: int

    @property
    def parts(self) -> Mapping[str, Part]:
        turning = {"rejected": (self.script.rejected_at, REJECTED), "failed": (self.script.failed_at, "failure")}
        step, outcome = turning.get(self.ending, (None, ""))
        if step is None:
            return self.script.parts
        return {**self.script.parts, step: replace(self.script.parts[step], outcome=outcome)}

    @property
    def run(self) -> RunRequest:
        """What the run starts with."""
        script = self.script
        failing = script.failing_data if self.ending == "failed" else {}
        return {
            "playbook_id": self.house.playbook_id,
            "context": {
                "entity_type": script.entity_type,
                "entity_name": script.entities[self.number % len(script.entities)],
                "triggered_by": script.starter.sub,
            },
            "initial_data": {**script.data(self.number), **failing},
            "metadata": {"source": "demo"},
        }


@dataclass(frozen=True, slots=True)
class Driven:
    """A run that was driven, and where it stands now."""

    plot: Plot
    run: Run

    @property
    def run_id(self) -> str:
        return self.run["run_id"]


def plots(houses: Mapping[str, House]) -> Iterator[Plot]:
    for script in SCRIPTS:
        endings = [ending for ending, count in script.endings.items() for _ in range(count)]
        for number, ending in enumerate(endings):
            yield Plot(houses[script.playbook], script, ending, number)


async def drive_all(planned: Sequence[Plot]) -> list[Driven]:
    """All at once; one that fails ends the others."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_drive(plot)) for plot in planned]
    return [task.result() for task in tasks]


async def _drive(plot: Plot) -> Driven:
    watcher = plot.house.of(plot.script.starter)
    started = await watcher.start_run(plot.run)
    walk = Walk(plot.house, watcher, started["run_id"], plot.parts)
    if plot.ending != "waiting":
        await _lead(walk, plot)
    else:
        await walk.one_step()
    run = await watcher.run(walk.run_id)
    status, outcome = ENDED_AS[plot.ending]
    require(
        (run["status"], run["outcome"]) == (status, outcome),
        f"Run {walk.run_id} of {plot.house.playbook_name} was driven to be {plot.ending}, "
        f"but is {run['status']} with outcome {run['outcome']}.",
    )
    return Driven(plot, run)


async def _lead(walk: Walk, plot: Plot) -> None:
    match plot.ending:
        case "cancelled" | "paused" | "resumed":
            await walk.one_step()
    match plot.ending:
        case "cancelled":
            await walk.cancel(by_customer=plot.number % 2 == 0)
        case "paused":
            await walk.pause()
        case "resumed":
            await walk.pause_for_a_moment()
            await walk.to_the_end()
        case _:
            await walk.to_the_end()
