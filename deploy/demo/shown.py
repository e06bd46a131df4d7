"""What the demo prints."""

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from deploy.client import Call
from deploy.client.shapes import PlaybookMetrics, StepPerformance, TaskPage, Timeline

SIMPLE = box.SIMPLE_HEAD


def timeline(console: Console, title: str, data: Timeline) -> None:
    table = Table(title=title, box=SIMPLE, title_justify="left")
    for column in ("time", "event", "step", "actor", "details"):
        table.add_column(column, overflow="fold")
    for entry in data["timeline"]:
        details = dict(entry["details"])
        step = f"{entry.get('step_sequence', '')} {details.pop('step_name', '')}"
        told = ", ".join(f"{key}: {value}" for key, value in details.items())
        table.add_row(entry["timestamp"][11:23], entry["event_type"], step, entry["actor"], told)
    console.print(table)


def metrics(console: Console, data: PlaybookMetrics) -> None:
    found = data["metrics"]
    counts: Mapping[str, Any] = found["execution_stats"]
    table = Table(title=f"Metrics of {data['playbook_name']}, {data['period']}", box=SIMPLE, title_justify="left")
    for column in ("runs", "completed", "active", "cancelled", "failed", "completion", "SLA met"):
        table.add_column(column, justify="right")
    shown = [str(counts[f"{name}_runs"]) for name in ("total", "completed", "active", "cancelled", "failed")]
    table.add_row(*shown, f"{counts['completion_rate']} %", f"{found['sla_compliance']['compliance_rate']} %")
    console.print(table)
    _steps(console, found["step_performance"])


def _steps(console: Console, steps: Sequence[StepPerformance]) -> None:
    table = Table(box=SIMPLE)
    for column in ("step", "executions", "success", "bottleneck"):
        table.add_column(column, justify="left" if column == "step" else "right")
    for step in steps:
        score, rate = step["bottleneck_score"], step["success_rate"]
        table.add_row(f"{step['step_sequence']} {step['step_name']}", str(step["executions"]), f"{rate} %", str(score))
    console.print(table)


def tasks(console: Console, whose: str, data: TaskPage, most: int = 5) -> None:
    table = Table(
        title=f"Tasks of {whose}, {min(most, len(data['tasks']))} of {len(data['tasks'])}",
        box=SIMPLE,
        title_justify="left",
    )
    for column in ("step", "for", "priority", "due", "run"):
        table.add_column(column)
    for task in data["tasks"][:most]:
        entity = task["entity"].get("entity_name", "")
        table.add_row(task["step_name"], entity, task["priority"], (task["due_at"] or "")[:16], task["run_id"])
    console.print(table)


def latencies(console: Console, calls: Sequence[Call]) -> None:
    """Milliseconds by route."""
    by_route: dict[str, list[float]] = defaultdict(list)
    for call in calls:
        by_route[call.route].append(1000 * call.seconds)
    table = Table(
        title="How long calls took, in ms (everything at once, demo included)", box=SIMPLE, title_justify="left"
    )
    for column in ("route", "calls", "p50", "p95", "max"):
        table.add_column(column, justify="left" if column == "route" else "right")
    for route, times in sorted(by_route.items()):
        row = (percentile(times, 0.5), percentile(times, 0.95), max(times))
        table.add_row(route, str(len(times)), *(f"{value:.0f}" for value in row))
    console.print(table)


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least this share of them does not exceed."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def endings(console: Console, counts: Counter[str]) -> None:
    table = Table(title=f"How {counts.total()} runs ended, as planned", box=SIMPLE, title_justify="left")
    for ending in counts:
        table.add_column(ending, justify="right")
    table.add_row(*map(str, counts.values()))
    console.print(table)
