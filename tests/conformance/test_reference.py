"""Every request of the reference, and what came of it."""

import json
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from contracts.rejections import Code
from shared.http import STATUS_OF
from tests.conformance import known, reference
from tests.conformance.comparison import Difference, differences, is_time
from tests.conformance.story import (
    ANALYTICS,
    ANALYTICS_NOW,
    CANCEL,
    COMPLETE,
    CREATE,
    METRICS,
    PAUSE,
    SCENARIOS,
    START,
    STEP_SMART_CODE,
    TIMELINE,
    Exchange,
    Story,
)

SHOWN = [example.name for example in reference.examples() if example.responses] + [STEP_SMART_CODE]
SENT = [example.name for example in reference.examples()] + [STEP_SMART_CODE, ANALYTICS_NOW]


def test_every_request_of_the_reference_is_sent(story: Story) -> None:
    assert set(story.exchanges) == set(SENT)


def test_every_block_of_the_reference_is_looked_at() -> None:
    languages = {block.language for block in reference.blocks()}
    assert languages == {"bash", "json", "http"}
    commands = [b for b in reference.blocks() if b.language == "bash" and not b.text.startswith("curl ")]
    assert [block.section for block in commands] == ["Authentication"]
    shown = sum(len(example.responses) for example in reference.examples())
    claims = 1
    assert sum(block.language == "json" for block in reference.blocks()) == shown + claims


@pytest.mark.parametrize("name", SHOWN)
def test_answers_as_the_reference_shows(story: Story, name: str) -> None:
    exchange = story.exchanges[name]
    found = _differences(exchange)
    added, other = known.ADDED.get(name, {}), known.DIFFERENT.get(name, {})
    allowed = {f"additional {path}" for path in added} | set(other)
    surprises = [difference.told for difference in found if difference.name not in allowed]
    assert surprises == []
    assert allowed - {difference.name for difference in found} == set(), "listed in known.py, but no longer so"


def _differences(exchange: Exchange) -> list[Difference]:
    expected = _without_events(exchange.expected) if exchange.name == TIMELINE else exchange.expected
    return differences(expected, exchange.answer, known.EXAMPLES.get(exchange.name, ()))


def _without_events(expected: Any) -> Any:
    """The reference's timeline without the events that this story does not bring about, and its summary accordingly."""
    data = json.loads(json.dumps(expected))["data"]
    left_out = [entry for entry in data["timeline"] if entry["event_type"] in known.EVENTS_NOT_HERE]
    data["timeline"] = [entry for entry in data["timeline"] if entry not in left_out]
    for entry in left_out:
        data["summary"]["total_events"] -= 1
        data["summary"][f"{entry['actor_type']}_events"] -= 1
    return {"success": True, "data": data}


@pytest.mark.parametrize("name", SENT)
def test_status_is_the_one_that_the_reference_gives(story: Story, name: str) -> None:
    exchange = story.exchanges[name]
    if not exchange.answer["success"]:
        purpose = "Invalid request format or validation error"
    elif name in (CREATE, START, *SCENARIOS):
        purpose = "Successful resource creation"
    else:
        purpose = "Successful GET request"  # a POST that creates no resource succeeds with the same code
    assert exchange.status == reference.status_for(purpose)


@pytest.mark.parametrize("name", SCENARIOS)
def test_registers_each_scenario_as_the_first_one(story: Story, name: str) -> None:
    exchange = story.exchanges[name]
    shape = story.exchanges[CREATE].expected
    free = ["data.*"]
    found = {d.name for d in differences(shape, exchange.answer, free)}
    sent = exchange.body["playbook"]
    allowed = {"additional data.validation.warnings", "form data.organization_id"}  # each has a prefix of its own
    if "estimated_duration_minutes" not in sent["metadata"]:
        allowed.add("type data.metrics.estimated_duration_minutes")  # null: nobody has estimated it
    assert found == allowed
    assert exchange.data["metrics"] == {
        "total_steps": len(sent["steps"]),
        "required_steps": sum(step["is_required"] for step in sent["steps"]),
        "parallel_steps": sum(step.get("parallel_allowed", False) for step in sent["steps"]),
        "automated_steps": sum(step["step_type"] == "automated" for step in sent["steps"]),
        "estimated_duration_minutes": sent["metadata"].get("estimated_duration_minutes"),
    }
    assert {key: exchange.data[key] for key in ("smart_code", "version", "status", "organization_id")} == {
        "smart_code": sent["smart_code"],
        "version": sent["version"],
        "status": "active",
        "organization_id": exchange.body["organization_id"],
    }


def test_the_next_step_is_due_after_the_hours_of_the_sla(story: Story) -> None:
    expected, actual = (
        datetime.fromisoformat(step["due_at"]) - datetime.fromisoformat(step["started_at"])
        for exchange in [story.exchanges[COMPLETE]]
        for step in (exchange.expected["data"]["next_steps"][0], exchange.data["next_steps"][0])
    )
    assert actual == expected == timedelta(hours=48)


def test_a_pause_says_until_when(story: Story) -> None:
    exchange = story.exchanges[PAUSE]
    until = exchange.body["signal"]["pause_until"]
    assert exchange.data["paused_until"] == exchange.data["timeline_entry"]["details"]["resume_date"] == until


def test_a_cancel_is_answered_in_the_shape_of_a_pause(story: Story) -> None:
    expected = story.exchanges[PAUSE].expected["data"]
    cancel = story.exchanges[CANCEL]
    found = {d.name for d in differences(expected, cancel.data, ["*"])}
    assert found == {
        "missing paused_until",
        "missing timeline_entry.details.resume_date",
        "additional timeline_entry.details.steps",
    }
    assert (cancel.data["signal_type"], cancel.data["new_status"]) == ("cancel", "cancelled")
    assert cancel.data["timeline_entry"]["details"]["reason"] == cancel.body["signal"]["reason"]


def test_events_that_are_not_here_are_really_not_here(story: Story) -> None:
    told = {entry["event_type"] for entry in story.exchanges[TIMELINE].data["timeline"]}
    assert told & set(known.EVENTS_NOT_HERE) == set()


def test_the_metrics_add_up(story: Story) -> None:
    metrics = story.exchanges[METRICS].data["metrics"]
    counts, outcomes, sla = metrics["execution_stats"], metrics["outcome_distribution"], metrics["sla_compliance"]
    total = counts["total_runs"]
    assert total == 5
    assert (counts["completed_runs"], counts["active_runs"], counts["cancelled_runs"], counts["failed_runs"]) == (
        2,
        1,
        1,
        1,
    )
    assert counts["completion_rate"] == round(100 * counts["completed_runs"] / total, 1)
    assert sum(outcomes.values()) == total
    assert sla["met_sla"] + sla["missed_sla"] == counts["completed_runs"]
    assert sla["compliance_rate"] == round(100 * sla["met_sla"] / (sla["met_sla"] + sla["missed_sla"]), 1)
    assert [step["step_sequence"] for step in metrics["step_performance"]] == [1, 2, 3, 4, 5]
    assert all(0 <= step["bottleneck_score"] <= 1 for step in metrics["step_performance"])
    assert all(0 <= user["quality_score"] <= 100 for user in metrics["user_performance"])


def test_the_metrics_identities_hold_in_the_reference_itself() -> None:
    metrics = reference.example(METRICS).responses[0]["data"]["metrics"]
    counts, sla = metrics["execution_stats"], metrics["sla_compliance"]
    assert counts["completion_rate"] == round(100 * counts["completed_runs"] / counts["total_runs"], 1)
    assert sum(metrics["outcome_distribution"].values()) == counts["total_runs"]
    assert sla["compliance_rate"] == round(100 * sla["met_sla"] / counts["completed_runs"], 1)


def test_moments_are_written_in_one_way(story: Story) -> None:
    created = story.exchanges[CREATE].data["created_at"]
    assert is_time(created)


async def test_takes_the_headers_that_the_reference_asks_for(story: Story, http: httpx.AsyncClient) -> None:
    headers = story.translated(reference.headers_under("Required Headers for All Requests"))
    claims = reference.token_claims()
    headers["Authorization"] = f"Bearer {story.token(claims['sub'], claims['roles'])}"
    answer = await http.get("/api/v1/playbooks", headers=headers)
    assert answer.status_code == 200
    assert answer.headers["X-Request-ID"] == headers["X-Request-ID"]


async def test_refuses_with_the_status_that_the_reference_gives(story: Story, http: httpx.AsyncClient) -> None:
    """And with that, each of its codes is either seen, or listed with the reason."""
    seen = {exchange.status for exchange in story.exchanges.values()}
    create = reference.example(CREATE).request
    body, target = story.translated(create.body), story.translated(create.target)

    async def status(token: str | None, method: str = "POST", path: str = target, **content: Any) -> int:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        answer = await http.request(method, path, headers=headers, **content)
        assert not answer.json()["success"]
        seen.add(answer.status_code)
        return answer.status_code

    able, unable = story.token("user_123", ["playbook_admin"]), story.token("guest", [], permissions=[])
    assert await status(None, json=body) == reference.status_for("Missing or invalid authentication")
    assert await status(unable, json=body) == reference.status_for("Insufficient permissions")
    assert await status(able, json=body) == reference.status_for("Resource conflict (e.g., duplicate smart code)")
    unknown = "/api/v1/playbook-runs/run_456e7890"
    assert await status(able, "GET", unknown) == reference.status_for("Resource not found")
    assert set(reference.status_codes()) == seen | set(known.NOT_PROVOKED)
    assert not seen & set(known.NOT_PROVOKED), "listed in known.py as not provoked, but seen"


def test_statuses_are_the_references() -> None:
    beyond = {Code.PAYLOAD_TOO_LARGE: 413}
    statuses = {code: status for code, status in STATUS_OF.items() if status not in reference.status_codes()}
    assert statuses == beyond


@pytest.mark.parametrize("name", reference.headers_under("Rate Limiting Headers (Response)"))
def test_every_answer_says_what_is_left(story: Story, name: str) -> None:
    assert all(int(exchange.headers[name]) >= 0 for exchange in story.exchanges.values())


def test_analytics_answer_each_group_with_each_metric(story: Story) -> None:
    asked = reference.example(ANALYTICS).request.body
    assert story.exchanges[ANALYTICS].data["groups"] == []
    groups = story.exchanges[ANALYTICS_NOW].data["groups"]
    for group in groups:
        assert list(group["key"]) == asked["group_by"]
        assert set(asked["metrics"]) <= set(group)
    assert sum(group["count"] for group in groups) == 3  # two completed, one cancelled
