"""The runs that were written last, in memory, up to a number and a size."""

from collections import OrderedDict
from collections.abc import Iterable

from services.run_engine.domain.sizes import json_bytes
from services.run_engine.execution import StoredRun

_STEP_BYTES = 1000
"""About what one step's state takes."""


class RememberedRuns:
    """The least recently written go first."""

    def __init__(self, most: int, most_bytes: int) -> None:
        self._most = most
        self._most_bytes = most_bytes
        self._runs: OrderedDict[str, tuple[StoredRun, int]] = OrderedDict()
        self._bytes = 0

    def get(self, run_id: str) -> StoredRun | None:
        found = self._runs.get(run_id)
        return found[0] if found is not None else None

    def add(self, run: StoredRun) -> None:
        self.forget([run.run_id])
        size = weight(run)
        self._runs[run.run_id] = (run, size)
        self._bytes += size
        while len(self._runs) > self._most or self._bytes > self._most_bytes:
            _, (_, gone) = self._runs.popitem(last=False)
            self._bytes -= gone

    def forget(self, run_ids: Iterable[str]) -> None:
        for run_id in run_ids:
            _, size = self._runs.pop(run_id, (None, 0))
            self._bytes -= size

    def clear(self) -> None:
        self._runs.clear()
        self._bytes = 0


def weight(run: StoredRun) -> int:
    """About how many bytes of JSON the run holds."""
    state, journal = run.state, run.journal
    steps = _STEP_BYTES * len(state.steps) + sum(step.kept_bytes for step in state.steps.values())
    return json_bytes(state.data) + steps + journal.pending_bytes + sum(len(e.answer) for e in journal.entries)
