"""A run being worked on: whoever a step waits for does their part, until the run stands where it should."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any

from contracts.values import rfc3339
from deploy.client import Client, Invalid
from deploy.client.shapes import Run, RunStep
from deploy.demo.errors import DemoError, require
from deploy.demo.house import House
from deploy.demo.parts import Part
from deploy.local import waiting
from shared.clock import now

MOVE_SECONDS = 30.0
EVERY_SECONDS = 0.2
PAUSES = (1, 4, 16)
"""Seconds ahead that `pause_until` lies; more where the machine is so slow that the moment is over on arrival."""
ENDED = ("completed", "failed", "cancelled")


async def until(what: str, look: Callable[[], Awaitable[Run]], holds: Callable[[Run], bool]) -> Run:
    """Looks until it holds, and returns what was seen then. Raises DemoError after MOVE_SECONDS."""
    seen: list[Run] = []

    async def seen_to_hold() -> bool:
        seen[:] = [await look()]
        return holds(seen[0])

    try:
        await asyncio.wait_for(waiting.until(seen_to_hold, EVERY_SECONDS), MOVE_SECONDS)
    except TimeoutError:
        raise DemoError(f"{what} did not come about within {MOVE_SECONDS:.0f} s; last seen: {seen}.") from None
    return seen[0]


class Walk:
    """One run with the people who work on it; `watcher` is who started it."""

    def __init__(self, house: House, watcher: Client, run_id: str, parts: Mapping[str, Part]) -> None:
        self.run_id = run_id
        self._house = house
        self._watcher = watcher
        self._parts = parts

    async def to_the_end(self) -> Run:
        """The run as it ended."""
        while (run := await self.until_people_are_needed())["status"] not in ENDED:
            for step in _open_to_people(run):
                await self._play(step, run["data"])
        return run

    async def one_step(self) -> None:
        """The first step that waits for people is done."""
        run = await self.until_people_are_needed()
        require(
            run["status"] == "active", f"Run {self.run_id} ended as {run['status']} before anybody had worked on it."
        )
        await self._play(_open_to_people(run)[0], run["data"])

    async def until_people_are_needed(self) -> Run:
        return await until(
            f"A move of run {self.run_id}",
            lambda: self._watcher.run(self.run_id),
            lambda run: run["status"] in ENDED or bool(_open_to_people(run)),
        )

    async def pause(self) -> None:
        await self._watcher.signal(self.run_id, "pause", reason="Waiting for the other side")

    async def pause_for_a_moment(self) -> None:
        """Pauses with `pause_until` a little ahead, and returns when the run has resumed by itself."""
        for seconds in PAUSES:
            if await self._paused_for(seconds):
                break
        await until(
            f"The resumption of run {self.run_id}",
            lambda: self._watcher.run(self.run_id),
            lambda run: run["status"] != "paused",
        )

    async def _paused_for(self, seconds: float) -> bool:
        """False where the moment was over when the signal was looked at."""
        moment = rfc3339(now() + timedelta(seconds=seconds))
        try:
            answer = await self._watcher.signal(self.run_id, "pause", reason="Back in a moment", pause_until=moment)
        except Invalid as error:
            if error.details.get("field") == "signal.pause_until" and seconds != PAUSES[-1]:
                return False
            raise
        require(answer["new_status"] == "paused", f"Run {self.run_id} is {answer['new_status']} after a pause.")
        return True

    async def cancel(self, by_customer: bool) -> None:
        metadata = {"customer_request": True} if by_customer else {"cancellation_category": "internal"}
        await self._watcher.signal(self.run_id, "cancel", reason="Not needed any more", metadata=metadata)

    async def _play(self, step: RunStep, known: Mapping[str, Any]) -> None:
        part = self._parts[step["step_name"]]
        data = {name: known[name] for name in part.confirms} | dict(part.data)
        for person in part.people:
            answer = await self._house.of(person).complete_step(
                self.run_id, step["step_id"], part.outcome, data, part.attachments, part.assign
            )
            if answer["status"] != "in_progress":
                return
        raise DemoError(f"Step {step['step_name']} of run {self.run_id} is still open after all had their say.")


def _open_to_people(run: Run) -> list[RunStep]:
    return [s for s in run["steps_status"] if s["status"] == "in_progress" and s.get("execution_mode") == "manual"]
