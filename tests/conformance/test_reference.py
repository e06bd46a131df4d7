"""Every request of the reference, and what came of it."""

import uuid
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from contracts.rejections import Code
from deploy.local.ports import HOST
from services.gateway.owners import Owner
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
    Exchange,
    Story,
)
from tests.e2e.another import another
from tests.running_stack import RunningStack
from tests.unit.gateway.client import NOWHERE, gateway

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
    allowed = {f"additional {path}" for path in known.ADDED.get(name, {})}
    surprises = [difference.told for difference in found if difference.name not in allowed]
    assert surprises == []
    assert allowed - {difference.name for difference in found} == set(), "listed in known.py, but no longer so"


def _differences(exchange: Exchange) -> list[Difference]:
    return differences(exchange.expected, exchange.answer, known.EXAMPLES.get(exchange.name, ()))


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
        "additional timeline_entry.details.duration_minutes",
    }
    assert (cancel.data["signal_type"], cancel.data["new_status"]) == ("cancel", "cancelled")
    assert cancel.data["timeline_entry"]["details"]["reason"] == cancel.body["signal"]["reason"]


def test_the_metrics_add_up(story: Story) -> None:
    metrics = story.exchanges[METRICS].data["metrics"]
    counts, outcomes, sla = metrics["execution_stats"], metrics["outcome_distribution"], metrics["sla_compliance"]
    total = counts["total_runs"]
    assert total == 6
    assert (counts["completed_runs"], counts["active_runs"], counts["cancelled_runs"], counts["failed_runs"]) == (
        3,
        1,
        1,
        1,
    )
    assert sla["missed_sla"] == 1
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


async def test_answers_with_each_status_that_the_reference_gives(
    story: Story, http: httpx.AsyncClient, stack: RunningStack, monkeypatch: pytest.MonkeyPatch
) -> None:
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
    answer = await http.post(target, headers={"Authorization": f"Bearer {able}", "Prefer": "respond-async"}, json=body)
    assert answer.status_code == reference.status_for("Request accepted for async processing")
    seen |= {answer.status_code, *await _of_a_gateway_in_need(story, stack), await _of_a_bug(monkeypatch)}
    assert set(reference.status_codes()) == seen


async def _of_a_gateway_in_need(story: Story, stack: RunningStack) -> list[int]:
    """Of one whose run engine is away, and which lets in one request a minute."""
    headers = {"Authorization": f"Bearer {story.token('user_123', [], f'org_{uuid.uuid4()}')}"}
    with another(stack, "gateway", RUN_ENGINE_URL=NOWHERE, RATE_LIMIT_PER_MINUTE="1") as second:
        await second.until_ready()
        async with httpx.AsyncClient(base_url=f"http://{HOST}:{second.port}", headers=headers, trust_env=False) as http:
            answers = [await http.get("/api/v1/playbook-runs") for _ in range(2)]
    purposes = ("Service temporarily unavailable", "Rate limit exceeded")
    assert [answer.status_code for answer in answers] == [reference.status_for(purpose) for purpose in purposes]
    assert all(int(answer.headers["Retry-After"]) >= 1 for answer in answers)
    return [answer.status_code for answer in answers]


async def _of_a_bug(monkeypatch: pytest.MonkeyPatch) -> int:
    async def broken(*_: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(Owner, "get", broken)
    async with gateway() as http:
        answer = await http.get("/api/v1/playbook-runs")
    assert answer.status_code == reference.status_for("Server error")
    assert (answer.json()["error"]["code"], "a bug" in answer.text) == ("INTERNAL_ERROR", False)
    return answer.status_code


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
    assert sum(group["count"] for group in groups) == 4  # three completed, one cancelled
