"""How long an external worker may be silent."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contracts.jobs import AutomationJob
from services.automation.domain.leases import answer_by, lease_seconds

NOON = datetime(2024, 1, 15, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("configured", "seconds"), [(None, 60), (5, 5), (0.2, 1), (1e9, 86400), (0, 60), (-1, 60), ("5", 60), (True, 60)]
)
def test_a_lease_is_the_steps_own_within_bounds(configured: Any, seconds: float) -> None:
    assert lease_seconds({"lease_seconds": configured}, 60) == seconds


@pytest.mark.parametrize(
    ("endpoint", "config", "by"),
    [
        ("/x", {"timeout_seconds": 20}, NOON + timedelta(seconds=20)),
        ("/x", {}, None),
        (None, {"timeout_seconds": 20}, None),
    ],
)
def test_only_a_step_with_an_endpoint_and_a_time_is_held_to_it_here(
    endpoint: str | None, config: dict[str, Any], by: datetime | None
) -> None:
    job = AutomationJob(
        job_id="j", run_id="r", organization_id="o", step_id="s", step_name="S", attempt_number=1, idempotency_key="k",
        api_endpoint=endpoint, timeout_seconds=config.get("timeout_seconds", 30), config=config, data={},
        created_at=NOON,
    )  # fmt: skip
    assert answer_by(job, NOON) == by
