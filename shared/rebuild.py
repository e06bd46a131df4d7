"""Making a projection anew from the log, beside the one in use: to compare them, and to put the new one in its place.

The service goes on serving meanwhile. What it writes between the comparison and the exchange is handed to the new one
afterwards; events are folded once however often they come, so nothing is missing and nothing counts twice.
"""

import contextlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from contracts.topics import Topic
from shared.kafka import Replay
from shared.kafka.consumers import Handle
from shared.messages import Unreadable
from shared.mongo import Document, Indexes, Mongo
from shared.settings import ServiceSettings

BESIDE = ".rebuilt"
_AT_ONCE = 500
_TRIES = 10
"""How often what differs is looked at again: the service may not have come as far as the log yet, or further."""


@dataclass(frozen=True, slots=True)
class Projection:
    """What a service makes of its topics. `readers` gives, for a database, who takes the records of each topic."""

    service: str
    collections: Mapping[str, Callable[[Document], Any]]
    """By name, what of a document says the same however it came about."""
    indexes: Indexes
    readers: Callable[[Mongo], Mapping[Topic, Handle]]


@dataclass
class Differences:
    """Keys of documents, of one collection."""

    compared: int = 0
    missing: list[Any] = field(default_factory=list)
    """In use, and not in what the log gives: the log no longer holds their events."""
    unequal: list[Any] = field(default_factory=list)
    added: list[Any] = field(default_factory=list)
    """In what the log gives only."""

    @property
    def keys(self) -> list[Any]:
        return [*self.missing, *self.unequal, *self.added]


class Passed:
    """Records that can't be taken have been parked when they first came; a rebuild counts them and goes on."""

    def __init__(self) -> None:
        self.count = 0

    async def park(self, unreadable: Sequence[Unreadable]) -> None:
        self.count += len(unreadable)


class Rebuild:
    """One rebuild: `read`, then `differences`, then `replace` if wanted. Leaves nothing beside what is in use."""

    def __init__(self, projection: Projection, live: Mongo, copy: Mongo, logs: Sequence[tuple[Topic, Replay]]) -> None:
        self._projection = projection
        self._live = live
        self._copy = copy
        self._logs = logs

    async def read(self) -> int:
        """How many records were taken since the last time."""
        return await self._up_to_now(self._copy)

    async def differences(self) -> dict[str, Differences]:
        """By collection. What differs is looked at again after the log has been read on."""
        found = {name: await self._compared(name, None) for name in self._projection.collections}
        for _ in range(_TRIES):
            if not any(differences.keys for differences in found.values()):
                break
            await self.read()
            for name, before in found.items():
                if before.keys:
                    found[name] = await self._compared(name, before.keys)
                    found[name].compared = before.compared
        return found

    async def replace(self) -> None:
        """The new one is in use from here on."""
        for name in self._projection.collections:
            await self._copy.put_in_use(name)
        await self._up_to_now(self._live)

    async def _up_to_now(self, mongo: Mongo) -> int:
        readers = self._projection.readers(mongo)
        return sum([await replay.up_to_now(readers[topic]) for topic, replay in self._logs])

    async def _compared(self, name: str, keys: Sequence[Any] | None) -> Differences:
        live, copy = self._live.collection(name), self._copy.collection(name)
        same, found = self._projection.collections[name], Differences()
        async for documents in _batches(live, keys):
            others = await _by_key(copy, [document["_id"] for document in documents])
            for document in documents:
                found.compared += 1
                other = others.get(_hashable(document["_id"]))
                if other is None:
                    found.missing.append(document["_id"])
                elif same(other) != same(document):
                    found.unequal.append(document["_id"])
        async for documents in _batches(copy, keys):
            known = await _by_key(live, [document["_id"] for document in documents])
            found.added += [d["_id"] for d in documents if _hashable(d["_id"]) not in known]
        return found


@contextlib.asynccontextmanager
async def rebuilding(projection: Projection, settings: ServiceSettings) -> AsyncIterator[Rebuild]:
    """Begins with nothing beside what is in use, and ends so."""
    live, copy = Mongo(settings, projection.service), Mongo(settings, projection.service, BESIDE)
    async with contextlib.AsyncExitStack() as stack:
        await _drop(projection, copy)
        stack.push_async_callback(copy.close)
        stack.push_async_callback(live.close)
        stack.push_async_callback(_drop, projection, copy)
        await copy.create_indexes(projection.indexes)
        topics = projection.readers(copy)
        logs = [(topic, await stack.enter_async_context(Replay(settings, topic))) for topic in topics]
        yield Rebuild(projection, live, copy, logs)


async def _drop(projection: Projection, copy: Mongo) -> None:
    for name in projection.collections:
        await copy.drop(name)


async def _batches(collection: Any, keys: Sequence[Any] | None) -> AsyncIterator[list[Document]]:
    query = {} if keys is None else {"_id": {"$in": list(keys)}}
    batch: list[Document] = []
    async for document in collection.find(query).batch_size(_AT_ONCE):
        batch.append(document)
        if len(batch) == _AT_ONCE:
            yield batch
            batch = []
    if batch:
        yield batch


async def _by_key(collection: Any, keys: Sequence[Any]) -> dict[Any, Document]:
    return {_hashable(d["_id"]): d async for d in collection.find({"_id": {"$in": list(keys)}})}


def _hashable(key: Any) -> Any:
    return tuple(key.items()) if isinstance(key, dict) else key
