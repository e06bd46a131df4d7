"""Other systems that write to public topics during a storm: what they commit is done once, what they abort never."""

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import orjson
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from contracts.topics import RUN_EVENTS, SIGNALS, SIGNALS_OUTCOMES, WORKER_RESULTS
from deploy.local.waiting import until
from shared.ids import new_id
from tests.e2e.clients import Client, tasks_in_a_row
from tests.kafka import Log
from tests.record_batches import CODECS, bomb, send
from tests.running_stack import RunningStack

BOMB_BYTES = 256 * 1024 * 1024
OPEN_MS = 5_000
GIVE_UP_SECONDS = 20.0
PAUSE_SECONDS = 0.5


class Strangers:
    """They send events to one run; each event's data is its signal's id, so that the run's history counts them."""

    def __init__(self, stack: RunningStack, client: Client, run_id: str) -> None:
        self._stack = stack
        self._client = client
        self._run_id = run_id
        self._committed: set[str] = set()
        self._never: set[str] = set()
        self.done: Counter[str] = Counter()

    @classmethod
    async def arrive(cls, stack: RunningStack, client: Client) -> "Strangers":
        run = await client.started(await client.created(tasks_in_a_row(1)))
        return cls(stack, client, run["run_id"])

    async def go_on(self) -> None:
        """Until it is cancelled. What a broker that dies did with a record is not known, and not counted."""
        deeds: tuple[Callable[[], Awaitable[None]], ...] = (self._compress, self._abort, self._leave_open, self._bomb)
        while True:
            for deed in deeds:
                with contextlib.suppress(KafkaError, OSError, TimeoutError):
                    await asyncio.wait_for(deed(), GIVE_UP_SECONDS)
                    self.done[deed.__name__.strip("_")] += 1
                await asyncio.sleep(PAUSE_SECONDS)

    async def check(self, seconds: float) -> None:
        """What was committed has an outcome in that time and is in the run once; what was not is nowhere."""
        assert set(self.done) == {"compress", "abort", "leave_open", "bomb"}, self.done
        log = Log(self._stack.bootstrap_servers, SIGNALS_OUTCOMES.name)
        await log.open(from_beginning=True)
        accepted: set[str] = set()

        async def have_outcomes() -> bool:
            documents = [orjson.loads(record.value) for record in await log.records()]
            accepted.update(document["signal_id"] for document in documents if document["accepted"])
            return self._committed <= accepted

        try:
            await asyncio.wait_for(until(have_outcomes, every_seconds=0.2), seconds)
        except TimeoutError:
            raise AssertionError(f"signals without outcome: {self._committed - accepted}") from None
        finally:
            await log.close()
        counted = await self._events_of_the_run()
        assert accepted.isdisjoint(self._never) and counted.keys().isdisjoint(self._never)
        assert self._committed <= counted.keys() and set(counted.values()) == {1}

    async def _events_of_the_run(self) -> Counter[str]:
        """How many different events say that a signal's data joined the run's, by signal id."""
        log = Log(self._stack.bootstrap_servers, RUN_EVENTS.name)
        await log.open(from_beginning=True)
        ours = [r for r in await log.records() if r.key == self._run_id.encode()]
        await log.close()
        events = {event["id"]: event["data"] for event in (orjson.loads(record.value) for record in ours)}
        return Counter(name for data in events.values() for name in data.get("fields_updated", ()))

    async def _compress(self) -> None:
        async with self._producing(compression_type=random.choice(sorted(CODECS))) as producer:
            self._committed.add(await self._write(producer))

    async def _abort(self) -> None:
        async with self._producing(transactional_id=new_id("storm")) as producer:
            await producer.begin_transaction()
            self._never.add(await self._write(producer))
            await producer.abort_transaction()
            await producer.begin_transaction()
            signal_id = await self._write(producer)
            await producer.commit_transaction()
            self._committed.add(signal_id)

    async def _leave_open(self) -> None:
        """The broker aborts it when its time is over."""
        options = {"transactional_id": new_id("storm"), "transaction_timeout_ms": OPEN_MS}
        async with self._producing(**options) as producer:
            await producer.begin_transaction()
            self._never.add(await self._write(producer))

    async def _bomb(self) -> None:
        """Brokers decompress what is for a public topic, and refuse it."""
        built = await asyncio.to_thread(bomb, BOMB_BYTES)
        for topic in (SIGNALS, WORKER_RESULTS):
            assert await send(self._stack.bootstrap_servers, topic.name, 0, built) != 0

    @contextlib.asynccontextmanager
    async def _producing(self, **options: Any) -> AsyncIterator[AIOKafkaProducer]:
        producer = AIOKafkaProducer(bootstrap_servers=self._stack.bootstrap_servers, **options)
        async with producer:
            yield producer

    async def _write(self, producer: AIOKafkaProducer) -> str:
        signal_id = new_id("sig")
        about = {"organization_id": self._client.caller.organization_id, "run_id": self._run_id, "signal_id": signal_id}
        signal = {"type": "event", "name": "storm", "data": {signal_id: True}}
        value = orjson.dumps({**about, "signal": signal})
        await producer.send_and_wait(SIGNALS.name, value, key=self._run_id.encode())
        return signal_id
