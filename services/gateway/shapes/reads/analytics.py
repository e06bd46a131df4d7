"""Figures of playbooks and runs."""

from typing import Any

from services.gateway.shapes.answers import Shape


class ExecutionStats(Shape):
    """`completion_rate` = 100 × completed / total. Paused and blocked runs count among `active_runs`."""

    total_runs: int
    completed_runs: int
    active_runs: int
    cancelled_runs: int
    failed_runs: int
    completion_rate: float | None
    average_duration_hours: float | None
    median_duration_hours: float | None


class StepPerformance(Shape):
    """`success_rate` = 100 × completed / executions. `bottleneck_score` = min(1, average duration / the playbook's
    `estimated_duration_minutes`), or over the median run duration where none is given."""

    step_sequence: int
    step_name: str
    executions: int
    avg_duration_minutes: float | None
    success_rate: float | None
    bottleneck_score: float | None


class SlaCompliance(Shape):
    """Over completed runs: `compliance_rate` = 100 × met / (met + missed); `average_overrun_hours` over missed runs.
    Paused time is left out."""

    target_hours: float | None
    met_sla: int
    missed_sla: int
    compliance_rate: float | None
    average_overrun_hours: float | None


class UserPerformance(Shape):
    """`quality_score` = 100 × completions that were right the first time (no return, retry, contract rejection or
    missed SLA) / completions. `avg_completion_time` is in minutes."""

    user_id: str
    steps_completed: int
    avg_completion_time: float | None
    quality_score: float | None


class MetricsBody(Shape):
    execution_stats: ExecutionStats
    step_performance: list[StepPerformance]
    outcome_distribution: dict[str, int]
    """Sums to `total_runs`."""
    sla_compliance: SlaCompliance
    user_performance: list[UserPerformance]


class PlaybookMetrics(Shape):
    playbook_id: str
    playbook_name: str | None
    period: str
    metrics: MetricsBody


class RunDurations(Shape):
    """Over the runs of the group that have ended."""

    average_hours: float | None
    median_hours: float | None
    p95_hours: float | None


class SlaShare(Shape):
    """Over the runs of the group that were completed under an SLA; `rate` is in percent."""

    met: int
    missed: int
    rate: float | None


class RunFigures(Shape):
    """Those of the three that were asked for."""

    count: int | None = None
    duration: RunDurations | None = None
    sla_compliance: SlaShare | None = None


class RunGroup(RunFigures):
    key: dict[str, str | None]
    """The value of each name in `group_by`; a week is an ISO week such as `2024-W03`."""


class RunAnalytics(Shape):
    groups: list[RunGroup]
    totals: RunFigures
    filters: dict[str, Any]
    group_by: list[str]
    metrics: list[str]
