"""Circuit breakers: a host that failed several times in a row is left alone for a while, then tried with one call."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

Change = Literal["opened", "closed"]
_MOST = 10_000
"""Remembered at a time: who names ever new hosts fills no memory."""


@dataclass(slots=True)
class _Circuit:
    failures: int = 0
    open_until: datetime | None = None
    """None: closed. Past: half open, the next call is a trial."""
    on_trial: bool = False


class Circuits:
    """One for each lane, which is an organisation and a host. Closed ones without a failure take no room."""

    def __init__(self, failures: int, open_for: timedelta) -> None:
        self._failures = failures
        self._open_for = open_for
        self._circuits: dict[str, _Circuit] = {}

    def shut(self, now: datetime) -> list[str]:
        """The lanes that take no call now: open ones, and those whose trial is under way."""
        return [lane for lane, until, on_trial in self._open() if on_trial or now < until]

    def open_until(self, lane: str) -> datetime | None:
        circuit = self._circuits.get(lane)
        return circuit.open_until if circuit else None

    def count_open(self) -> int:
        return sum(1 for _ in self._open())

    def begin(self, lane: str, now: datetime) -> bool:
        """Whether the call that begins now is the trial of a half-open circuit."""
        circuit = self._circuits.get(lane)
        if circuit is None or circuit.open_until is None or circuit.on_trial or now < circuit.open_until:
            return False
        circuit.on_trial = True
        return True

    def end(self, lane: str, now: datetime, *, failed: bool, trial: bool) -> Change | None:
        """What the call says of its host. While the circuit is open only its trial counts."""
        circuit = self._circuits.get(lane) or _Circuit()
        if circuit.open_until is not None and not trial:
            return None
        if not failed:
            self._circuits.pop(lane, None)
            return "closed" if trial else None
        circuit.failures += 1
        circuit.on_trial = False
        self._keep(lane, circuit)
        if circuit.failures < self._failures:
            return None
        circuit.open_until = now + self._open_for
        return "opened"

    def _keep(self, lane: str, circuit: _Circuit) -> None:
        self._circuits[lane] = circuit
        if len(self._circuits) > _MOST:
            del self._circuits[next(iter(self._circuits))]

    def abandon(self, lane: str, *, trial: bool) -> None:
        """The call said nothing of its host: the next one is the trial instead."""
        circuit = self._circuits.get(lane)
        if trial and circuit is not None:
            circuit.on_trial = False

    def _open(self) -> Iterator[tuple[str, datetime, bool]]:
        for lane, circuit in self._circuits.items():
            if circuit.open_until is not None:
                yield lane, circuit.open_until, circuit.on_trial
