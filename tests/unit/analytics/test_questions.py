"""What may be asked, and what the answer looks like."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contracts.rejections import Rejection
from services.analytics.domain.grouping import Grouping
from services.analytics.domain.questions import METRICS, Question, period, question
from services.analytics.domain.summary import RunSummary
from tests.conformance.reference import example
from tests.unit.analytics.runs import at, created, run_cancelled, run_completed, summed

ASKED = example("Get Metrics and Analytics: Request - Run Analytics").request.body


@pytest.mark.parametrize(
    ("text", "span"), [("30d", timedelta(days=30)), ("24h", timedelta(hours=24)), ("4w", timedelta(weeks=4))]
)
def test_a_period_is_hours_days_or_weeks(text: str, span: timedelta) -> None:
    assert period(text) == span


@pytest.mark.parametrize("text", ["", "30", "d", "0d", "-1d", "1.5d", "30D", "30d ", "30d\n", "99999d", "1y", "３d"])
def test_refuses_any_other_period_and_says_what_is_allowed(text: str) -> None:
    refused = period(text)
    assert isinstance(refused, Rejection)
    assert refused.details["field"] == "period"
    assert "Nh, Nd or Nw" in refused.details["reason"]


def _question(**over: Any) -> Question:
    asked = question({**ASKED, **over})
    assert isinstance(asked, Question)
    return asked


def test_understands_the_question_of_the_reference() -> None:
    asked = _question()
    assert asked.start == datetime(2024, 1, 1, tzinfo=UTC)
    assert (asked.playbook_ids, asked.statuses) == (("pb_123e4567",), ("completed", "cancelled"))
    assert (asked.group_by, asked.metrics) == (("outcome", "week"), METRICS)


@pytest.mark.parametrize(
    ("over", "field"),
    [
        ({"group_by": ["colour"]}, "group_by"),
        ({"group_by": "week"}, "group_by"),
        ({"metrics": ["sum"]}, "metrics"),
        ({"filters": []}, "filters"),
        ({"filters": False}, "filters"),
        ({"filters": 5}, "filters"),
        ({"filters": {"tags": []}}, "filters.tags"),
        ({"filters": {"statuses": ["open"]}}, "filters.statuses"),
        ({"filters": {"playbook_ids": [{"$ne": 1}]}}, "filters.playbook_ids"),
        ({"filters": {"entity_types": ["x"] * 1001}}, "filters.entity_types"),
        ({"filters": {"date_range": "2024"}}, "filters.date_range"),
        ({"filters": {"date_range": {"from": "2024-01-01T00:00:00Z"}}}, "filters.date_range.from"),
        ({"filters": {"date_range": {"start": "yesterday"}}}, "filters.date_range.start"),
        ({"filters": {"date_range": {"end": "2024-01-01T00:00:00"}}}, "filters.date_range.end"),
        ({"filters": {"date_range": {"end": "9999-12-31T23:59:59-14:00"}}}, "filters.date_range.end"),
        (
            {"filters": {"date_range": {"start": "2024-02-01T00:00:00Z", "end": "2024-01-01T00:00:00Z"}}},
            "filters.date_range",
        ),
    ],
)
def test_refuses_what_it_does_not_know(over: dict[str, Any], field: str | None) -> None:
    refused = question({**ASKED, **over})
    assert (refused.details["field"] if isinstance(refused, Rejection) else None) == field


def test_tells_all_that_is_wrong_with_what_is_allowed() -> None:
    refused = question({"group_by": ["x"], "metrics": ["y"]})
    assert isinstance(refused, Rejection)
    first, second = refused.details["errors"]
    assert "outcome, week, day" in first["reason"]
    assert "count, duration, sla_compliance" in second["reason"]
    assert isinstance(question([]), Rejection)


def _runs() -> list[RunSummary]:
    return [
        summed(created(), run_completed(10)),
        summed(created(), run_completed(20, sla_met=False)),
        summed(created(at=at(24 * 7)), run_completed(30)),
        summed(created(), run_cancelled()),
        summed(created(context={})),
    ]


def _view(**over: Any) -> dict[str, Any]:
    grouping = Grouping(_question(**over))
    for run in _runs():
        grouping.add(run)
    return grouping.view()


def test_groups_by_outcome_and_week() -> None:
    view = _view()
    assert [(*group["key"].values(), group["count"]) for group in view["groups"]] == [
        ("cancelled_internal", "2024-W03", 1),
        ("in_progress", "2024-W03", 1),
        ("successful_completion", "2024-W03", 2),
        ("successful_completion", "2024-W04", 1),
    ]
    assert view["groups"][2] == {
        "key": {"outcome": "successful_completion", "week": "2024-W03"},
        "count": 2,
        "duration": {"average_hours": 15, "median_hours": 15, "p95_hours": 20},
        "sla_compliance": {"met": 1, "missed": 1, "rate": 50},
    }
    assert view["totals"]["count"] == 5
    assert view["totals"]["sla_compliance"] == {"met": 2, "missed": 1, "rate": 66.7}
    assert view["filters"] == ASKED["filters"]


def test_gives_only_the_metrics_that_were_asked_for() -> None:
    view = _view(group_by=[], metrics=["count"])
    assert (view["groups"], view["totals"]) == ([], {"count": 5})


@pytest.mark.parametrize(
    ("group", "keys"),
    [
        ("day", ["2024-01-15", "2024-01-22"]),
        ("month", ["2024-01"]),
        ("status", ["active", "cancelled", "completed"]),
        ("playbook", ["pb_1"]),
        ("entity_type", ["customer", None]),
        ("priority", ["text"]),
    ],
)
def test_groups_by_each_name(group: str, keys: list[str | None]) -> None:
    assert [g["key"][group] for g in _view(group_by=[group])["groups"]] == keys


def test_a_week_belongs_to_its_iso_year() -> None:
    grouping = Grouping(_question(group_by=["week"]))
    grouping.add(summed(created(at=datetime(2024, 12, 31, tzinfo=UTC))))
    assert grouping.view()["groups"][0]["key"] == {"week": "2025-W01"}
