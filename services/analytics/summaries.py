"""The summaries of runs: folded in memory, written in one round trip, each write guarded by the version it read."""

from collections import OrderedDict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from pymongo import ReplaceOne

from services.analytics.domain.summary import RunSummary
from shared.mongo import Document, Mongo, bulk_write

RunKey = tuple[str, str]
"""Organisation and run."""
_ENDED = ("completed", "cancelled", "failed")


@dataclass(frozen=True, slots=True)
class StoredSummary:
    summary: RunSummary
    written: int
    """How often the document was written. Guards the next write."""


class Summaries:
    """Keeps the open runs that it saw last. That is safe because a stale one only makes a write miss its guard."""

    def __init__(self, mongo: Mongo, cache_size: int) -> None:
        self._runs = mongo.collection("runs")
        self._cache: OrderedDict[RunKey, StoredSummary] = OrderedDict()
        self._cache_size = cache_size

    async def load(self, keys: Iterable[RunKey]) -> dict[RunKey, StoredSummary]:
        """Those that exist."""
        found: dict[RunKey, StoredSummary] = {}
        missing: list[RunKey] = []
        for key in keys:
            cached = self._cache.get(key)
            if cached is None:
                missing.append(key)
            else:
                found[key] = cached
        if missing:
            async for document in self._runs.find({"_id": {"$in": [_id(key) for key in missing]}}):
                stored = _stored(document)
                found[stored.summary["organization_id"], stored.summary["run_id"]] = stored
        return found

    async def save(
        self, before: Mapping[RunKey, StoredSummary], after: Mapping[RunKey, RunSummary]
    ) -> Collection[RunKey]:
        """Returns those that somebody else wrote meanwhile: they are as they were, and must be loaded again."""
        written = {key: StoredSummary(summary, _times(before.get(key)) + 1) for key, summary in after.items()}
        for key in written:
            self._cache.pop(key, None)  # until it is known that the write succeeded
        keys = list(written)
        # A guard that no longer matches turns into an insert, which meets the key of the document that is there.
        operations = [_replacement(key, _times(before.get(key)), written[key]) for key in keys]
        lost = {keys[index] for index in await bulk_write(self._runs, operations)}
        for key in keys:
            if key not in lost:
                self._remember(key, written[key])
        return lost

    def forget_all(self) -> None:
        self._cache.clear()

    def _remember(self, key: RunKey, stored: StoredSummary) -> None:
        if stored.summary["status"] in _ENDED:
            return
        self._cache[key] = stored
        while len(self._cache) > self._cache_size:
            self._cache.popitem(last=False)


def _times(stored: StoredSummary | None) -> int:
    return stored.written if stored else 0


def _id(key: RunKey) -> Document:
    return {"organization_id": key[0], "run_id": key[1]}


def _replacement(key: RunKey, written_before: int, stored: StoredSummary) -> ReplaceOne[Document]:
    document = {"_id": _id(key), **stored.summary, "written": stored.written}
    return ReplaceOne({"_id": _id(key), "written": written_before}, document, upsert=True)


def _stored(document: Document) -> StoredSummary:
    del document["_id"]
    written = document.pop("written")
    return StoredSummary(document, written)  # type: ignore[arg-type]
