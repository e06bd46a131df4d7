"""A store and a publisher that fail when they are told to, in the three ways that infrastructure does."""

from collections import deque
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Literal

from aiokafka.errors import KafkaTimeoutError
from pymongo.errors import AutoReconnect

from services.run_engine.execution import StoredRun
from services.run_engine.store import RunStore
from shared.kafka import Publisher
from shared.messages import OutgoingMessage

Fault = Literal["none", "not written", "written but told it failed", "raced"]


class FaultyStore(RunStore):
    """Each save takes the next fault, then all go well."""

    faults: deque[Fault]
    rival: Callable[[], Awaitable[None]]
    """What another writer does while a save is `raced`."""

    async def save(self, before: Mapping[str, StoredRun], after: Collection[StoredRun]) -> set[str]:
        fault = self.faults.popleft() if after and self.faults else "none"
        if fault == "raced":
            await self.rival()
        if fault == "not written":
            self.forget(run.run_id for run in after)
            raise AutoReconnect("the connection broke before the write")
        lost = await super().save(before, after)
        if fault == "written but told it failed":
            self.forget(run.run_id for run in after)
            raise AutoReconnect("the connection broke after the write")
        return lost


class FaultyPublisher(Publisher):
    """The first publications fail after so many of their messages are out."""

    cuts: deque[int]

    async def publish(self, messages: Sequence[OutgoingMessage]) -> None:
        if not self.cuts:
            await super().publish(messages)
            return
        await super().publish(messages[: self.cuts.popleft()])
        raise KafkaTimeoutError("no acknowledgement")
