"""Who waits for news of a run, in this process."""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Iterable, Iterator


class Arrivals:
    """Wakes readers when events of their run have been stored here. Another replica's events come with the poll."""

    def __init__(self) -> None:
        self._waiting: dict[str, set[asyncio.Event]] = defaultdict(set)

    @contextlib.contextmanager
    def of(self, run_id: str) -> Iterator[asyncio.Event]:
        """An event that is set when something of the run arrives; whoever saw it clears it."""
        news = asyncio.Event()
        self._waiting[run_id].add(news)
        try:
            yield news
        finally:
            self._waiting[run_id].discard(news)
            if not self._waiting[run_id]:
                del self._waiting[run_id]

    def tell(self, run_ids: Iterable[str]) -> None:
        if not self._waiting:
            return
        for run_id in run_ids:
            for news in self._waiting.get(run_id, ()):
                news.set()
