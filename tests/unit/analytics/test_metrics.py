"""The formulas, with the reference's figures where it shows some."""

from typing import Any

import pytest

from contracts import events
from services.analytics.domain.metrics import Performance, PlaybookFacts, overrun_hours
from services.analytics.domain.statistics import average, percentile_95, rate, shown, span
from services.analytics.domain.summary import RunSummary
from tests.conformance.reference import example
from tests.unit.analytics.runs import completed, created, run_cancelled, run_completed, started, summed
from tests.unit.timeline.events import sample

SHOWN = example("Get Metrics and Analytics: Request - Playbook Performance Metrics").responses[0]["data"]["metrics"]
FACTS = PlaybookFacts(
    name="Customer Onboarding", sla_hours=48, estimated_duration_minutes=250, steps={"step_009": (9, "Never reached")}
)


def _metrics(runs: list[RunSummary], facts: PlaybookFacts | None = FACTS) -> dict[str, Any]:
    performance = Performance(facts)
    for run in runs:
        performance.add(run)
    return performance.metrics()


def _of_the_reference() -> list[RunSummary]:
    """157 runs: 142 completed (89 within the SLA), 8 open, 3 cancelled by the customer and 2 by us, 2 failed."""
    hours = [36.0] * 72 + [(48.5 * 142 - 36 * 72) / 70] * 70
    done = []
    for index, duration in enumerate(hours):
        met = index < 89
        end = run_completed(60.5, sla_met=met, duration_minutes=60 * duration)
        done.append([started(2), completed(2, 180), started(3), completed(3, 1440), end])
    others = [[started(2)]] * 8 + [[started(2), sample(events.RunFailed)]] * 2
    others += [[started(2), run_cancelled(customer_request=True)]] * 3 + [[run_cancelled()]] * 2
    stories = [[created(), started(1), completed(1, 25), *story] for story in done + others[:-2]]
    stories += [[created(), started(1), *story] for story in others[-2:]]
    return [summed(*story) for story in stories]


def test_gives_the_figures_of_the_reference() -> None:
    metrics = _metrics(_of_the_reference())
    assert metrics.keys() == SHOWN.keys()
    for part in ("execution_stats", "outcome_distribution", "sla_compliance"):
        assert metrics[part] == SHOWN[part]
    first, second, third, _ = metrics["step_performance"]
    assert first == {**SHOWN["step_performance"][0], "step_name": "Step 1"}
    assert second == {**SHOWN["step_performance"][1], "step_name": "Step 2"}
    assert third == {**SHOWN["step_performance"][2], "step_name": "Step 3", "bottleneck_score": 1}


def test_counts_only_what_is_there() -> None:
    runs = [
        summed(created()),
        summed(created(), sample(events.RunPaused)),
        summed(created(), sample(events.RunBlocked)),
    ]
    metrics = _metrics(runs)
    assert metrics["execution_stats"]["active_runs"] == 3
    assert sum(metrics["outcome_distribution"].values()) == 3


def test_of_no_runs_there_is_no_average() -> None:
    metrics = _metrics([])
    assert metrics["execution_stats"] == {
        "total_runs": 0, "completed_runs": 0, "active_runs": 0, "cancelled_runs": 0, "failed_runs": 0,
        "completion_rate": None, "average_duration_hours": None, "median_duration_hours": None,
    }  # fmt: skip
    assert metrics["step_performance"] == [
        {
            "step_sequence": 9, "step_name": "Never reached", "executions": 0, "avg_duration_minutes": None,
            "success_rate": None, "bottleneck_score": None,
        }
    ]  # fmt: skip
    assert metrics["user_performance"] == []


def test_rejections_are_told_where_there_are_any() -> None:
    runs = [summed(created(), run_completed(outcome="rejected")), summed(created(), run_completed())]
    distribution = _metrics(runs)["outcome_distribution"]
    assert (distribution["rejected"], distribution["successful_completion"]) == (1, 1)


def test_a_bottleneck_is_held_against_the_median_run_without_an_estimate() -> None:
    runs = [summed(created(), started(1), completed(1, 30), run_completed(hours)) for hours in (1, 2, 30)]
    (step,) = _metrics(runs, None)["step_performance"]
    assert step["bottleneck_score"] == 0.2  # 30 of 120 minutes, to one digit


def test_people_by_how_much_they_did_and_how_well() -> None:
    runs = [
        summed(created(), completed(1, 20), completed(2, 150, user="manager")),
        summed(created(), completed(1, 24, sla_breached=True)),
    ]
    first, second = _metrics(runs)["user_performance"]
    assert first == {"user_id": "sales_rep_001", "steps_completed": 2, "avg_completion_time": 22, "quality_score": 50}
    assert second == {"user_id": "manager", "steps_completed": 1, "avg_completion_time": 150, "quality_score": 100}
    assert first.keys() == SHOWN["user_performance"][0].keys()


def test_paused_time_is_outside_the_overrun() -> None:
    resumed = sample(events.RunResumed, paused_seconds=10 * 3600.0)
    run = summed(created(), sample(events.RunPaused), resumed, run_completed(70, sla_met=False))
    assert overrun_hours(run) == pytest.approx(12)


def test_the_overrun_of_business_hours_is_the_one_that_the_run_was_told_with() -> None:
    run = summed(created(), run_completed(70, sla_met=False, overrun_hours=3))
    assert overrun_hours(run) == 3
    assert _metrics([run])["sla_compliance"]["average_overrun_hours"] == 3


def test_rounds_as_the_reference_shows() -> None:
    assert (rate(142, 157), rate(155, 157), rate(89, 142), rate(1, 1)) == (90.4, 98.7, 62.7, 100)
    assert (shown(36.0), shown(48.46), shown(None), rate(0, 0)) == (36, 48.5, None, None)
    assert (percentile_95(list(range(1, 101))), percentile_95([7.0]), percentile_95([])) == (95, 7, None)


def test_short_times_are_told_to_three_digits_and_long_ones_to_one() -> None:
    assert (span(0.05), span(9.9996), span(10.04), span(48.46), span(2.0), span(None)) == (
        0.05, 10, 10, 48.5, 2, None,
    )  # fmt: skip
    assert average([1 / 60, 2 / 60]) == 0.025


def test_an_sla_of_minutes_is_more_than_no_hours() -> None:
    runs = [summed(created(sla_hours=0.05), run_completed(n / 60, sla_met=n <= 3, overrun_hours=max(0, n - 3) / 60))
            for n in (2, 4, 5)]  # fmt: skip
    performance = Performance(PlaybookFacts(name="x", sla_hours=0.05, estimated_duration_minutes=None, steps={}))
    for run in runs:
        performance.add(run)
    metrics = performance.metrics()
    assert metrics["sla_compliance"] == {
        "target_hours": 0.05, "met_sla": 1, "missed_sla": 2, "compliance_rate": 33.3, "average_overrun_hours": 0.025,
    }  # fmt: skip
    stats = metrics["execution_stats"]
    assert (stats["average_duration_hours"], stats["median_duration_hours"]) == (0.061, 0.067)
