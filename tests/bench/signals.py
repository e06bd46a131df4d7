"""`signals`: other systems move runs on over Kafka, each run by ten events, as many at once as there are senders."""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from contracts import topics
from tests.bench import playbooks
from tests.bench.checks import CATCH_UP_SECONDS, Check, completed_runs
from tests.bench.client import Caller, CallError, Line
from tests.bench.human5 import ERRORS_OF_A_CLIENT
from tests.bench.measure import WARM_UP_SECONDS, Window, milliseconds
from tests.bench.target import Target
from tests.kafka import group_lag, partitions_of

OUTCOME_SECONDS = 15.0
READ_BY_ENGINE = (topics.RUN_COMMANDS, topics.SIGNALS)
ENGINE = "run_engine"


class SignalError(Exception):
    """An outcome that is not the one that was expected, or none at all."""


@dataclass
class Sustained:
    """What a while of signals came to."""

    senders: int
    window: Window = field(default_factory=Window)
    ended: list[str] = field(default_factory=list)
    lag_at_end: dict[str, int] = field(default_factory=dict)
    """By topic, as the window closed."""
    checks: list[Check] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        return not self.window.errors and all(check.passed for check in self.checks)

    def summary(self) -> dict[str, Any]:
        window = self.window
        return {
            "senders": self.senders,
            "seconds": round(window.seconds, 2),
            "signals_per_second": round(window.count("signal") / window.seconds, 1),
            "runs_per_second": round(window.count("run") / window.seconds, 1),
            "outcome_ms": milliseconds(window.latencies.get("signal", [])),
            "errors": dict(window.errors),
            "lag_at_end": self.lag_at_end,
            "cpu_seconds_per_1000_signals": window.cpu_per_thousand("signal"),
            "runs_ended": len(self.ended),
            "checks": [{"what": c.what, "passed": c.passed, "detail": c.detail} for c in self.checks],
        }


async def measure(target: Target, senders: int, seconds: float) -> Sustained:
    """A sender publishes a signal, waits for its outcome and publishes the next: the rate follows the stack."""
    caller = target.caller()
    playbook_id = await playbooks.register(caller, playbooks.installments())
    sustained = Sustained(senders)
    pids = target.pids()
    async with _Signals.open(target.bootstrap_servers, caller.organization_id) as signals, asyncio.TaskGroup() as group:
        sustained.window.open_in(WARM_UP_SECONDS, seconds)
        group.create_task(_watch(target, sustained, pids))
        for _ in range(senders):
            group.create_task(_sender(caller, playbook_id, signals, sustained))
    sustained.checks = [
        await _no_lag_is_left(target),
        *await completed_runs(caller, playbook_id, sustained.ended, None),
    ]
    return sustained


class _Signals:
    """Publishes signals and hears their outcomes."""

    def __init__(self, organization_id: str, producer: AIOKafkaProducer, consumer: AIOKafkaConsumer) -> None:
        self._organization_id = organization_id
        self._producer = producer
        self._consumer = consumer
        self._waiting: dict[str, asyncio.Future[dict[str, Any]]] = {}

    @classmethod
    @asynccontextmanager
    async def open(cls, bootstrap_servers: str, organization_id: str) -> AsyncIterator["_Signals"]:
        producer = AIOKafkaProducer(bootstrap_servers=bootstrap_servers, acks="all")
        consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap_servers)
        await producer.start()
        await consumer.start()
        signals = cls(organization_id, producer, consumer)
        await signals._stand_at_the_end()
        reading = asyncio.create_task(signals._read())
        try:
            yield signals
        finally:
            reading.cancel()
            await consumer.stop()
            await producer.stop()

    async def event(self, run_id: str, data: dict[str, Any]) -> dict[str, Any]:
        """The outcome's result. Raises SignalError where it was refused or did not come."""
        signal_id = f"sig_{uuid.uuid4()}"
        message = {
            "organization_id": self._organization_id,
            "run_id": run_id,
            "signal_id": signal_id,
            "signal": {"type": "event", "name": "installment_received", "data": data},
        }
        heard = self._waiting[signal_id] = asyncio.get_running_loop().create_future()
        await self._producer.send(topics.SIGNALS.name, orjson.dumps(message), key=run_id.encode())
        try:
            outcome = await asyncio.wait_for(heard, OUTCOME_SECONDS)
        except TimeoutError:
            raise SignalError(f"no outcome within {OUTCOME_SECONDS:.0f} s") from None
        finally:
            del self._waiting[signal_id]
        if not outcome["accepted"]:
            raise SignalError(f"refused: {outcome['rejection']}")
        result: dict[str, Any] = outcome["result"]
        return result

    async def _stand_at_the_end(self) -> None:
        partitions = await partitions_of(self._consumer, topics.SIGNALS_OUTCOMES.name)
        self._consumer.assign(partitions)
        await self._consumer.seek_to_end(*partitions)
        for partition in partitions:
            await self._consumer.position(partition)

    async def _read(self) -> None:
        while True:
            for records in (await self._consumer.getmany(timeout_ms=1000)).values():
                for record in records:
                    outcome = orjson.loads(record.value)
                    heard = self._waiting.get(outcome["signal_id"])
                    if heard and not heard.done():
                        heard.set_result(outcome)


async def _sender(caller: Caller, playbook_id: str, signals: _Signals, sustained: Sustained) -> None:
    line = Line(caller)
    failures = 0
    while time.perf_counter() < sustained.window.closed and failures < ERRORS_OF_A_CLIENT:
        try:
            sustained.ended.append(await _one_run(line, playbook_id, signals, sustained.window))
        except (CallError, SignalError, OSError, TimeoutError) as error:
            sustained.window.errors[str(error) or repr(error)] += 1
            failures += 1
    line.close()


async def _one_run(line: Line, playbook_id: str, signals: _Signals, window: Window) -> str:
    first = time.perf_counter()
    start = {"action": "create", "run": {"playbook_id": playbook_id, "initial_data": {"installments": 0}}}
    run_id: str = (await line.send(line.caller.post("/playbook-runs", start))).data()["run_id"]
    await _complete(line, run_id, "step_001")
    result: dict[str, Any] = {}
    for number in range(1, playbooks.NEEDED_INSTALLMENTS + 1):
        began = time.perf_counter()
        result = await signals.event(run_id, {"installments": number})
        window.note("signal", began, time.perf_counter())
    if (result["previous_status"], result["new_status"]) != ("blocked", "active"):
        raise SignalError(f"the last installment did not move the run on: {result}")
    await _complete(line, run_id, "step_002")
    window.note("run", first, time.perf_counter())
    return run_id


async def _complete(line: Line, run_id: str, step_id: str) -> None:
    body = {"action": "complete", "completion": {"outcome": "success"}}
    (await line.send(line.caller.post(f"/playbook-runs/{run_id}/steps/{step_id}/complete", body))).data()


async def _watch(target: Target, sustained: Sustained, pids: dict[str, int]) -> None:
    await sustained.window.measure_cpu(pids)
    sustained.lag_at_end = await _lag(target)


async def _lag(target: Target) -> dict[str, int]:
    return {
        topic.name: await group_lag(target.bootstrap_servers, topic.name, f"{ENGINE}.{topic.name}")
        for topic in READ_BY_ENGINE
    }


async def _no_lag_is_left(target: Target) -> Check:
    began = time.perf_counter()
    while True:
        lag = await _lag(target)
        after = time.perf_counter() - began
        if not any(lag.values()) or after > CATCH_UP_SECONDS:
            return Check("no lag is left", not any(lag.values()), f"{lag} after {after:.2f} s")
