"""Runs in groups: the data of `POST /analytics/playbook-runs`.

`duration` (hours) is over the runs of the group that have ended, `sla_compliance` over those that were completed under
an SLA. `week` is the ISO week, `day` and `month` the date of the run's creation, in UTC. `outcome` is one of those that
the metrics' `outcome_distribution` counts.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from services.analytics.domain.questions import Question
from services.analytics.domain.statistics import average, middle, percentile_95, rate
from services.analytics.domain.summary import RunSummary, outcome_of

Key = tuple[str | None, ...]


def _created(run: RunSummary) -> datetime:
    moment = run["created_at"]
    assert moment is not None  # only runs that were created are asked for
    return moment


def _week(run: RunSummary) -> str:
    year, week, _ = _created(run).isocalendar()
    return f"{year}-W{week:02d}"


_KEYS: dict[str, Callable[[RunSummary], str | None]] = {
    "outcome": outcome_of,
    "week": _week,
    "day": lambda run: f"{_created(run):%Y-%m-%d}",
    "month": lambda run: f"{_created(run):%Y-%m}",
    "status": lambda run: run["status"],
    "playbook": lambda run: run["playbook_id"],
    "entity_type": lambda run: run["entity_type"],
    "priority": lambda run: run["priority"],
}


@dataclass
class _Tally:
    count: int = 0
    hours: list[float] = field(default_factory=list)
    met: int = 0
    missed: int = 0

    def add(self, run: RunSummary) -> None:
        self.count += 1
        if run["duration_minutes"] is not None:
            self.hours.append(run["duration_minutes"] / 60)
        if run["status"] == "completed" and run["sla_met"] is not None:
            self.met += run["sla_met"]
            self.missed += not run["sla_met"]

    def view(self, metrics: tuple[str, ...]) -> dict[str, Any]:
        return {name: _VIEWS[name](self) for name in _VIEWS if name in metrics}


_VIEWS: dict[str, Callable[[_Tally], Any]] = {
    "count": lambda tally: tally.count,
    "duration": lambda tally: {
        "average_hours": average(tally.hours),
        "median_hours": middle(tally.hours),
        "p95_hours": percentile_95(tally.hours),
    },
    "sla_compliance": lambda tally: {
        "met": tally.met,
        "missed": tally.missed,
        "rate": rate(tally.met, tally.met + tally.missed),
    },
}


class Grouping:
    """Runs are added one by one."""

    def __init__(self, question: Question) -> None:
        self._question = question
        self._keys = [_KEYS[name] for name in question.group_by]
        self._total = _Tally()
        self._groups: dict[Key, _Tally] = {}

    def add(self, run: RunSummary) -> None:
        self._total.add(run)
        if self._keys:
            key = tuple(of(run) for of in self._keys)
            self._groups.setdefault(key, _Tally()).add(run)

    def view(self) -> dict[str, Any]:
        """Groups in order of their keys; none where nothing was asked to be grouped by."""
        question = self._question
        ordered = sorted(self._groups.items(), key=lambda item: tuple((part is None, part or "") for part in item[0]))
        return {
            "groups": [
                {"key": dict(zip(question.group_by, key, strict=True)), **tally.view(question.metrics)}
                for key, tally in ordered
            ],
            "totals": self._total.view(question.metrics),
            "filters": dict(question.filters),
            "group_by": list(question.group_by),
            "metrics": list(question.metrics),
        }
