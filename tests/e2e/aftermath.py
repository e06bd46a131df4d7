"""What must hold after crashes: everything that was acknowledged is there, once, and nothing stays open."""

import asyncio
import random
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import orjson
from pymongo import AsyncMongoClient

from contracts import topics
from deploy.local.waiting import until
from services.timeline.domain.chain import verify
from shared.messages import hash_of
from tests.e2e.clients import Client
from tests.e2e.ledger import EVENTS_OF_A_RUN, STEPS, Ledger
from tests.kafka import Log
from tests.running_stack import RunningStack

SAMPLE = 200
RECOVERED_SECONDS = 40.0


@dataclass(frozen=True)
class Aftermath:
    """The stack after the crashes, and what people had been told by then."""

    stack: RunningStack
    client: Client
    ledger: Ledger

    async def check_everything(self) -> None:
        self.check_answers()
        await self.check_runs()
        await self.check_repeated_requests()
        await self.check_operations()
        await self.check_timelines()
        await self.check_log()
        await self.check_metrics()

    def check_answers(self) -> None:
        assert self.ledger.surprises == []

    async def check_runs(self) -> None:
        """Every run is there once, and as far as was acknowledged."""
        assert set(self.ledger.runs.values()) == {STEPS}
        for status in ("", "&status=completed"):
            listed = await self._list_runs(f"playbook_id={self.ledger.playbook_id}{status}")
            assert sorted(listed) == sorted(self.ledger.runs)
        for run_id in draw(list(self.ledger.runs)):
            run = (await self.client.get(f"/playbook-runs/{run_id}")).data()
            assert (run["status"], len(run["steps_status"])) == ("completed", STEPS)

    async def _list_runs(self, filters: str) -> list[str]:
        """Returns the ids of all runs, page by page: a list's total is exact up to a thousand only."""
        ids: list[str] = []
        cursor = ""
        while True:
            page = (await self.client.get(f"/playbook-runs?{filters}&limit=100{cursor}")).data()
            ids += [run["run_id"] for run in page["runs"]]
            if page["next"] is None:
                return ids
            cursor = f"&cursor={page['next']}"

    async def check_repeated_requests(self) -> None:
        """A request that is repeated gets its first answer."""
        for wish in draw(self.ledger.wishes):
            again = await self.client.post(wish.path, wish.body, wish.key)
            assert (again.status, again.data()) == (wish.status, wish.data)
            assert again.headers["x-idempotent-replay"] == "true"

    async def check_operations(self) -> None:
        """Whatever was answered 202 has an outcome by now, or gets it soon."""
        unresolved = set(self.ledger.operations)

        async def are_resolved() -> bool:
            for path in list(unresolved):
                answer = await self.client.get(path)
                if answer.status == 200 and answer.data()["status"] == "succeeded":
                    unresolved.discard(path)
            return not unresolved

        try:
            await asyncio.wait_for(until(are_resolved, every_seconds=0.2), RECOVERED_SECONDS)
        except TimeoutError:
            raise AssertionError(f"no outcome: {[(await self.client.get(p)).body for p in unresolved]}") from None

    async def check_timelines(self) -> None:
        """Each timeline has every event once, in an unbroken chain."""
        expected = len(self.ledger.runs) * EVENTS_OF_A_RUN

        async def has_caught_up() -> bool:
            return sum(len(events) for events in (await self.load_timelines()).values()) >= expected

        await asyncio.wait_for(until(has_caught_up, every_seconds=0.2), RECOVERED_SECONDS)
        timelines = await self.load_timelines()
        assert set(timelines) == set(self.ledger.runs)
        for run_id, events in timelines.items():
            assert verify(events, hash_of) is None, run_id
            assert len(events) == EVENTS_OF_A_RUN, run_id

    async def load_timelines(self) -> dict[str, list[dict[str, Any]]]:
        """Returns the events of the tenant's runs as the timeline keeps them, by run, in order."""
        found: dict[str, list[dict[str, Any]]] = defaultdict(list)
        async with AsyncMongoClient[dict[str, Any]](self.stack.mongodb_uri) as mongo:
            events = mongo[f"{self.stack.database_prefix}_timeline"]["events"]
            theirs = {"_id.organization_id": self.client.caller.organization_id}
            async for document in events.find(theirs).sort("_id"):
                found[document["_id"]["run_id"]].append(orjson.loads(document["event"]))
        return found

    async def check_log(self) -> None:
        """What was published again is the same to the byte."""
        log = Log(self.stack.bootstrap_servers, topics.RUN_EVENTS.name)
        await log.open(from_beginning=True)
        published: dict[str, set[bytes]] = defaultdict(set)
        for record in await log.records():
            if (record.key or b"").decode(errors="replace") in self.ledger.runs:
                published[orjson.loads(record.value)["id"]].add(record.value)
        await log.close()
        assert len(published) == len(self.ledger.runs) * EVENTS_OF_A_RUN
        assert [event_id for event_id, values in published.items() if len(values) > 1] == []

    async def check_metrics(self) -> None:
        """The metrics count every run once, and are not behind for longer than it takes to catch up."""
        path = f"/playbooks/{self.ledger.playbook_id}/metrics?period=30d"

        async def are_current() -> bool:
            answer = await self.client.get(path)
            return answer.status == 200 and answer.headers.get("x-consistency") != "behind"

        await asyncio.wait_for(until(are_current, every_seconds=0.2), RECOVERED_SECONDS)
        metrics = (await self.client.get(path)).data()["metrics"]
        counted = metrics["execution_stats"]
        runs = len(self.ledger.runs)
        assert (counted["total_runs"], counted["completed_runs"]) == (runs, runs)
        assert [step["executions"] for step in metrics["step_performance"]] == [runs] * STEPS


async def until_work_goes_on(ledger: Ledger, wishes: int, seconds: float = RECOVERED_SECONDS) -> None:
    """Waits until so many more requests have been answered."""
    enough = len(ledger.wishes) + wishes

    async def has_gone_on() -> bool:
        return len(ledger.wishes) >= enough or bool(ledger.surprises)

    await asyncio.wait_for(until(has_gone_on), seconds)


def draw(items: list[Any], count: int = SAMPLE) -> list[Any]:
    """Returns some of them, at random."""
    return random.sample(items, min(count, len(items)))
