"""What `make chaos` adds to processes that are killed: other producers, skewed clocks, operations nobody waits for."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx

from deploy.local.waiting import until
from tests.e2e.another import Another, skewed
from tests.e2e.clients import Client, tasks_in_a_row, tenant
from tests.e2e.strangers import Strangers
from tests.running_stack import RunningStack

FROZEN_SECONDS = 6.0
RESOLVED_SECONDS = 60.0
"""So long after the storm every operation has come to its end."""
SKEWS = (30.0, -30.0)
ASKED_EVERY_SECONDS = 1.0


class Storm:
    """Everything beside the killing, all of it at once."""

    def __init__(self, strangers: Strangers, impatient: "Impatient", engines: list[Another]) -> None:
        self._impatient = impatient
        self.strangers = strangers
        self.engines = engines
        """Whose clocks are off; they may be killed."""
        self._ended = 0.0

    @classmethod
    @contextlib.asynccontextmanager
    async def over(cls, stack: RunningStack) -> AsyncIterator["Storm"]:
        client = Client(tenant(stack))
        async with contextlib.AsyncExitStack() as stacked:
            engines = [stacked.enter_context(skewed(stack, "run_engine", ahead)) for ahead in SKEWS]
            for engine in engines:
                await engine.until_ready()
            impatient = Impatient(stack, await client.created(tasks_in_a_row(1)), client.caller.organization_id)
            yield cls(await Strangers.arrive(stack, client), impatient, engines)
        client.close()

    async def rage_while(self, others: Awaitable[None]) -> None:
        tasks = [asyncio.create_task(work()) for work in (self.strangers.go_on, self._impatient.go_on)]
        try:
            await others
        finally:
            for task in tasks:
                task.cancel()
            ends = await asyncio.gather(*tasks, return_exceptions=True)
            self._ended = time.monotonic()
        faults = [end for end in ends if not isinstance(end, asyncio.CancelledError)]
        assert not faults, faults

    async def check(self, others: Callable[[], Awaitable[None]]) -> None:
        """All that was answered 202, to people as to others, has come to its end in time."""
        left = RESOLVED_SECONDS - (time.monotonic() - self._ended)
        async with asyncio.timeout(left):
            await asyncio.gather(others(), self._impatient.check(), self.strangers.check(left))
        print(
            f"{len(self._impatient.operations)} operations that nobody waited for have ended, none later than", end=" "
        )
        print(f"{RESOLVED_SECONDS:g} s after the storm; batches of bad producers: {dict(self.strangers.done)}")


class Impatient:
    """Starts runs, without a key, and asks for the outcomes only when all is over."""

    def __init__(self, stack: RunningStack, playbook_id: str, organization_id: str) -> None:
        token = stack.token(organization_id, subject="impatient", permissions=("*",))
        headers = {"Authorization": f"Bearer {token}", "Prefer": "respond-async"}
        self._http = httpx.AsyncClient(base_url=stack.gateway_url, trust_env=False, timeout=30, headers=headers)
        self._start = {"organization_id": organization_id, "run": {"playbook_id": playbook_id}}
        self.operations: list[str] = []

    async def go_on(self) -> None:
        """Until it is cancelled."""
        while True:
            with contextlib.suppress(httpx.TransportError):
                answer = await self._http.post("/api/v1/playbook-runs", json=self._start)
                assert answer.status_code in (202, 503), answer.text
                self.operations += [answer.headers["Location"]] if answer.status_code == 202 else []
            await asyncio.sleep(ASKED_EVERY_SECONDS)

    async def check(self) -> None:
        assert self.operations, "nothing was accepted during the storm"
        open_ones = set(self.operations)

        async def are_resolved() -> bool:
            for path in list(open_ones):
                answer = await self._http.get(path)
                if answer.status_code == 200 and answer.json()["data"]["status"] == "succeeded":
                    open_ones.discard(path)
            return not open_ones

        try:
            await asyncio.wait_for(until(are_resolved, every_seconds=0.2), RESOLVED_SECONDS - 5)
        except TimeoutError:
            raise AssertionError(f"unresolved: {[(await self._http.get(path)).text for path in open_ones]}") from None
        await self._http.aclose()
