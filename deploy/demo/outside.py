"""Another system, as it would stand outside: it knows Kafka's address and the public topics, and nothing else."""

import asyncio
import contextlib
import os
from collections.abc import Callable
from typing import Any, Self

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import KafkaError
from pydantic import BaseModel

from contracts import topics
from contracts.jobs import WorkerJob, WorkerResult
from contracts.signals import SignalMessage, SignalOutcome
from contracts.topics import Topic
from deploy.demo.errors import DemoError
from shared.kafka_settings import connection_options, read_kafka_settings

OUTCOME_SECONDS = 15.0
Work = Callable[[WorkerJob], WorkerResult | None]
"""What a job comes to; None leaves it to other workers."""


class Outside:
    """A worker that answers jobs, and a sender of signals that waits for what became of them."""

    def __init__(self, bootstrap_servers: str, work: Work) -> None:
        self._work = work
        settings = read_kafka_settings(os.environ, bootstrap_servers)
        self._producer: Any = AIOKafkaProducer(**connection_options(settings), acks="all")
        # Without a group all partitions are read, from where they end now.
        self._consumer: Any = AIOKafkaConsumer(
            topics.WORKER_JOBS.name,
            topics.SIGNALS_OUTCOMES.name,
            **connection_options(settings),
            group_id=None,
            enable_auto_commit=False,
        )
        self._awaited: dict[str, asyncio.Future[SignalOutcome]] = {}
        self._reading: asyncio.Task[None] | None = None
        self.jobs_done = 0

    async def __aenter__(self) -> Self:
        try:
            await self._producer.start()
            await self._consumer.start()
        except KafkaError:
            await self._close()
            raise
        await self._consumer.seek_to_end()
        for partition in self._consumer.assignment():
            await self._consumer.position(partition)
        self._reading = asyncio.create_task(self._read())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._reading:
            self._reading.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._reading
        await self._close()

    async def _close(self) -> None:
        await self._consumer.stop()
        await self._producer.stop()

    async def signal(self, message: SignalMessage) -> SignalOutcome:
        """Sends the signal and returns what became of it. Raises DemoError where no outcome comes."""
        assert message.signal_id, "the outcome is known by it"
        outcome = self._awaited.setdefault(message.signal_id, asyncio.get_running_loop().create_future())
        await self._send(topics.SIGNALS, message.run_id, message)
        try:
            async with asyncio.timeout(OUTCOME_SECONDS):
                return await outcome
        except TimeoutError:
            raise DemoError(f"Signal {message.signal_id} had no outcome within {OUTCOME_SECONDS:.0f} s.") from None
        finally:
            del self._awaited[message.signal_id]

    def check(self) -> None:
        """Raises what ended the reading, if anything did."""
        if self._reading and self._reading.done():
            self._reading.result()

    async def _read(self) -> None:
        while True:
            for records in (await self._consumer.getmany(timeout_ms=500)).values():
                for record in records:
                    await self._take(record.topic, record.value)

    async def _take(self, topic: str, value: bytes) -> None:
        if topic == topics.WORKER_JOBS.name:
            await self._answer(WorkerJob.model_validate_json(value))
            return
        outcome = SignalOutcome.model_validate_json(value)
        awaited = self._awaited.get(outcome.signal_id)
        if awaited and not awaited.done():
            awaited.set_result(outcome)

    async def _answer(self, job: WorkerJob) -> None:
        result = self._work(job)
        if result is not None:
            await self._send(topics.WORKER_RESULTS, job.run_id, result)
            self.jobs_done += 1

    async def _send(self, topic: Topic, key: str, message: BaseModel) -> None:
        value = message.model_dump_json(exclude_unset=True).encode()
        await self._producer.send_and_wait(topic.name, value, key=key.encode())
