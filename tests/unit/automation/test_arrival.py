"""A job begins when it comes; one that comes late, when what stands behind it in the log can be known."""

from datetime import timedelta

import pytest

from services.automation.domain.arrival import begin_at
from tests.unit.run_engine.story import NOON


@pytest.mark.parametrize("age", [-3600, 0, 5])
def test_a_job_in_time_begins_at_once(age: float) -> None:
    assert begin_at(NOON - timedelta(seconds=age), NOON) == NOON


def test_a_late_job_waits_a_moment() -> None:
    assert begin_at(NOON - timedelta(hours=1), NOON) == NOON + timedelta(seconds=5)
