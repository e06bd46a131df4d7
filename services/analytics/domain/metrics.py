"""A playbook's performance over its runs: the data of `GET /playbooks/{playbook_id}/metrics`.

Runs count by when they were created. Where there is nothing to reckon with, a value is null. Formulas:

- completion_rate = completed / total × 100; average and median duration over completed runs, in hours.
- active_runs are the active, paused and blocked ones.
- step executions = attempts that were started; success_rate = completed / executions × 100; avg_duration_minutes over
  completed attempts, pauses left out.
- bottleneck_score = min(1, average duration of the step / estimated_duration_minutes of the playbook, or / the median
  duration of its completed runs where none is given).
- outcome_distribution sums to total_runs; `rejected` appears where runs were completed by a rejection.
- sla_compliance over completed runs with an SLA: compliance_rate = met / (met + missed) × 100; average_overrun_hours
  over missed runs: time from creation to completion beyond the SLA, pauses left out, and what the playbook's business
  calendar leaves out.
- quality_score = completions that were right the first time / completions × 100: the step was neither returned to nor
  retried, and was done within its SLA. Refused attempts to complete leave no event and do not count.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypedDict

from services.analytics.domain.statistics import average, middle, rate, shown, span
from services.analytics.domain.summary import OUTCOMES, RunSummary, outcome_of

MAX_USERS = 100
"""Of user_performance: those who completed most."""
_ENDED = ("completed", "cancelled", "failed")


class PlaybookFacts(TypedDict):
    """A playbook's current revision, as far as metrics need it."""

    name: str
    sla_hours: float | None
    estimated_duration_minutes: float | None
    steps: dict[str, tuple[int, str]]
    """Sequence and name, by step id."""


@dataclass
class _Step:
    sequence: int
    name: str
    executions: int = 0
    completed: int = 0
    minutes: float = 0.0


@dataclass
class Performance:
    """Runs are added one by one, oldest first."""

    facts: PlaybookFacts | None = None
    total: int = 0
    statuses: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    outcomes: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    hours: list[float] = field(default_factory=list)
    sla_met: int = 0
    overruns: list[float] = field(default_factory=list)
    steps: dict[str, _Step] = field(default_factory=dict)
    users: dict[str, list[tuple[float, bool]]] = field(default_factory=lambda: defaultdict(list))
    last: RunSummary | None = None

    def add(self, run: RunSummary) -> None:
        self.total += 1
        self.statuses[run["status"]] += 1
        self.outcomes[outcome_of(run)] += 1
        if run["status"] == "completed":
            self._add_completed(run)
        for step_id, step in run["steps"].items():
            known = self.steps.setdefault(step_id, _Step(step["sequence"], step["name"]))
            known.sequence, known.name = step["sequence"], step["name"]
            known.executions += step["executions"]
            known.completed += step["completed"]
            known.minutes += step["minutes"]
        for completion in run["completions"]:
            self.users[completion["user"]].append((completion["minutes"], completion["right"]))
        self.last = run

    def _add_completed(self, run: RunSummary) -> None:
        if run["duration_minutes"] is not None:
            self.hours.append(run["duration_minutes"] / 60)
        if run["sla_met"]:
            self.sla_met += 1
        elif run["sla_met"] is False:
            self.overruns.append(overrun_hours(run))

    def metrics(self) -> dict[str, Any]:
        return {
            "execution_stats": self._execution_stats(),
            "step_performance": self._step_performance(),
            "outcome_distribution": self._outcome_distribution(),
            "sla_compliance": self._sla_compliance(),
            "user_performance": self._user_performance(),
        }

    def _execution_stats(self) -> dict[str, Any]:
        ended = {f"{status}_runs": self.statuses.get(status, 0) for status in _ENDED}
        return {
            "total_runs": self.total,
            "completed_runs": ended["completed_runs"],
            "active_runs": self.total - sum(ended.values()),
            "cancelled_runs": ended["cancelled_runs"],
            "failed_runs": ended["failed_runs"],
            "completion_rate": rate(ended["completed_runs"], self.total),
            "average_duration_hours": average(self.hours),
            "median_duration_hours": middle(self.hours),
        }

    def _step_performance(self) -> list[dict[str, Any]]:
        steps = dict(self.steps)
        for step_id, (sequence, name) in (self.facts["steps"] if self.facts else {}).items():
            steps.setdefault(step_id, _Step(sequence, name))
        scale = self._scale_minutes()
        ordered = sorted(steps.items(), key=lambda item: (item[1].sequence, item[0]))
        return [_step_view(step, scale) for _, step in ordered]

    def _scale_minutes(self) -> float | None:
        """What a step's duration is held against."""
        estimate = self._of_playbook("estimated_duration_minutes")
        if estimate:
            return estimate
        hours = sorted(self.hours)
        return (hours[(len(hours) - 1) // 2] + hours[len(hours) // 2]) * 30 if hours else None

    def _of_playbook(self, name: str) -> float | None:
        """Of the current revision, else of the run that was created last."""
        source: Mapping[str, Any] = self.facts or self.last or {}
        value: float | None = source.get(name)
        return value

    def _outcome_distribution(self) -> dict[str, int]:
        counts = {name: self.outcomes.get(name, 0) for name in OUTCOMES}
        return {name: count for name, count in counts.items() if count or name != "rejected"}

    def _sla_compliance(self) -> dict[str, Any]:
        missed = len(self.overruns)
        return {
            "target_hours": span(self._of_playbook("sla_hours")),
            "met_sla": self.sla_met,
            "missed_sla": missed,
            "compliance_rate": rate(self.sla_met, self.sla_met + missed),
            "average_overrun_hours": average(self.overruns),
        }

    def _user_performance(self) -> list[dict[str, Any]]:
        busiest = sorted(self.users.items(), key=lambda item: (-len(item[1]), item[0]))[:MAX_USERS]
        return [
            {
                "user_id": user,
                "steps_completed": len(done),
                "avg_completion_time": average([minutes for minutes, _ in done]),
                "quality_score": rate(sum(right for _, right in done), len(done)),
            }
            for user, done in busiest
        ]


def _step_view(step: _Step, scale: float | None) -> dict[str, Any]:
    minutes = step.minutes / step.completed if step.completed else None
    return {
        "step_sequence": step.sequence,
        "step_name": step.name,
        "executions": step.executions,
        "avg_duration_minutes": span(minutes),
        "success_rate": rate(step.completed, step.executions),
        "bottleneck_score": shown(min(1.0, minutes / scale)) if minutes is not None and scale else None,
    }


def overrun_hours(run: RunSummary) -> float:
    """Of a run that missed its SLA: how far beyond it, pauses left out, in the hours that the SLA is reckoned in."""
    if run.get("overrun_hours") is not None:
        return run["overrun_hours"] or 0.0
    if run["created_at"] is None or run["ended_at"] is None or run["sla_hours"] is None:
        return 0.0
    worked = (run["ended_at"] - run["created_at"]).total_seconds() - run["paused_seconds"]
    return max(0.0, worked / 3600 - run["sla_hours"])
