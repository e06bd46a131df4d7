"""Latencies of a window of time, and the CPU that each process took in it."""

import asyncio
import os
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
LOAD_GENERATOR = "load generator"
WARM_UP_SECONDS = 3.0


def cpu_seconds(pids: Mapping[str, int]) -> dict[str, float]:
    """User and system time so far, of each process with all its threads; and of this one."""
    spent = {name: _process_seconds(pid) for name, pid in pids.items()}
    return spent | {LOAD_GENERATOR: time.process_time()}


def _process_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def percentile(values: Sequence[float], share: float) -> float | None:
    """The value below which this share of the values lies; None for none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else None


def milliseconds(values: Sequence[float]) -> dict[str, float | None]:
    """p50, p95, p99 and max of seconds, in milliseconds."""
    shares = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "max": 1.0}
    found = {name: percentile(values, share) for name, share in shares.items()}
    return {name: round(1000 * value, 1) if value is not None else None for name, value in found.items()}


@dataclass
class Window:
    """What is measured between `opened` and `closed`; what happens outside is done, but not counted."""

    opened: float = 0.0
    closed: float = 0.0
    latencies: dict[str, list[float]] = field(default_factory=dict)
    errors: Counter[str] = field(default_factory=Counter)
    """By what was said, also outside the window."""
    cpu: dict[str, float] = field(default_factory=dict)

    @property
    def seconds(self) -> float:
        return self.closed - self.opened

    def open_in(self, warm_up: float, seconds: float) -> None:
        self.opened = time.perf_counter() + warm_up
        self.closed = self.opened + seconds

    async def measure_cpu(self, pids: Mapping[str, int]) -> None:
        """Returns when the window has closed."""
        await asyncio.sleep(self.opened - time.perf_counter())
        before = cpu_seconds(pids)
        await asyncio.sleep(self.closed - time.perf_counter())
        self.cpu = {name: spent - before[name] for name, spent in cpu_seconds(pids).items()}

    def note(self, name: str, began: float, ended: float) -> None:
        if self.opened <= ended < self.closed:
            self.latencies.setdefault(name, []).append(ended - began)

    def count(self, name: str) -> int:
        return len(self.latencies.get(name, ()))

    def cpu_per_thousand(self, name: str) -> dict[str, float | None]:
        """CPU seconds of each process for a thousand of what was counted under the name."""
        count = self.count(name)
        return {who: round(1000 * spent / count, 3) if count else None for who, spent in self.cpu.items()}
