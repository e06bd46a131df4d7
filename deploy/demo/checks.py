"""What must be true after the demo, whatever was in the data before."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from deploy.client.shapes import MetricsBody, PlaybookMetrics, Run, TaskPage, Timeline
from deploy.demo.acme import EXPECTED
from deploy.demo.crowd import Driven
from deploy.demo.errors import require
from deploy.demo.house import House
from deploy.demo.parts import SALES_REP
from deploy.demo.scripts import ENDED_AS

COUNTED = {
    "completed": "completed_runs",
    "cancelled": "cancelled_runs",
    "failed": "failed_runs",
    "active": "active_runs",
    "paused": "active_runs",
}
"""Where the metrics count a run, by its status."""
Stats = Mapping[str, PlaybookMetrics]
"""By playbook file: the metrics of the playbook."""


def acme_timeline(run: Run, timeline: Timeline) -> None:
    """The events that the story has, in order, and a summary that counts them."""
    require(
        (run["status"], run["outcome"], run["progress_percentage"]) == ("completed", "success", 100),
        f"Acme's run ended as {run['status']}, outcome {run['outcome']}, {run['progress_percentage']} %.",
    )
    found = tuple(entry["event_type"] for entry in timeline["timeline"])
    require(found == EXPECTED, f"Acme's timeline should be {', '.join(EXPECTED)}, but is {', '.join(found)}.")
    summary = timeline["summary"]
    actors = summary["user_events"] + summary["system_events"]
    require(
        summary["total_events"] == len(found) and summary["current_status"] == run["status"],
        f"The summary of Acme's timeline does not add up: {summary}.",
    )
    require(
        actors <= summary["total_events"], f"The summary counts {actors} actors in {summary['total_events']} events."
    )


def outcomes(driven: Sequence[Driven]) -> Counter[str]:
    """How many ended in each way; each as it was planned, or the drive would have said so."""
    return Counter(one.plot.ending for one in driven)


async def metrics(houses: Mapping[str, House]) -> dict[str, PlaybookMetrics]:
    return {name: await house.of(SALES_REP).metrics(house.playbook_id) for name, house in houses.items()}


def metrics_add_up(stats: Stats) -> None:
    for data in stats.values():
        _adds_up(str(data["playbook_name"]), data["metrics"])


def _adds_up(name: str, metrics: MetricsBody) -> None:
    counts: Mapping[str, Any] = metrics["execution_stats"]
    outcome = metrics["outcome_distribution"]
    total = counts["total_runs"]
    parts = sum(counts[f"{part}_runs"] for part in ("completed", "active", "cancelled", "failed"))
    require(parts == total, f"{name}: {total} runs, but {parts} by status.")
    require(sum(outcome.values()) == total, f"{name}: {total} runs, but {sum(outcome.values())} by outcome.")
    rate = round(100 * counts["completed_runs"] / total, 1) if total else None
    require(counts["completion_rate"] == rate, f"{name}: completion rate {counts['completion_rate']}, not {rate}.")


def metrics_grew(before: Stats, after: Stats, driven: Sequence[Driven]) -> None:
    """By exactly what was driven; `driven` and Acme's run, which completed."""
    for name, data in after.items():
        expected = Counter({"total_runs": 0})
        for one in driven:
            if one.plot.script.playbook == name:
                expected[COUNTED[ENDED_AS[one.plot.ending][0]]] += 1
                expected["total_runs"] += 1
        if name == "customer_onboarding":
            expected.update(completed_runs=1, total_runs=1)
        for field in ("total_runs", *sorted(set(COUNTED.values()))):
            was, now = _counts(before[name])[field], _counts(data)[field]
            require(
                now - was == expected[field],
                f"{data['playbook_name']}: {field} went from {was} to {now}; {expected[field]} were driven.",
            )


def _counts(stats: PlaybookMetrics) -> Mapping[str, Any]:
    return stats["metrics"]["execution_stats"]


def waiting_tasks(tasks: TaskPage, driven: Sequence[Driven]) -> None:
    """The manager's list holds the qualification reviews of the runs that were left waiting."""
    listed = {task["run_id"] for task in tasks["tasks"]}
    left = {d.run_id for d in driven if d.plot.ending == "waiting" and d.plot.script.playbook == "customer_onboarding"}
    require(left <= listed, f"The task list misses runs {', '.join(sorted(left - listed))}.")
