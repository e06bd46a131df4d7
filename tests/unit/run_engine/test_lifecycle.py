"""The tables of a run's and a step's life, against their own names and against what the deciders read."""

from typing import get_args

import pytest

from services.run_engine.domain.lifecycle import (
    ALLOWED_ON_RUN,
    RUN_OPEN,
    RUN_TRANSITIONS,
    STEP_ENDED,
    STEP_OPEN,
    STEP_TRANSITIONS,
    RunStatus,
    StepStatus,
)


def test_the_tables_name_every_status() -> None:
    assert set(RUN_TRANSITIONS) == set(ALLOWED_ON_RUN) == set(get_args(RunStatus))
    assert set(STEP_TRANSITIONS) == set(get_args(StepStatus)) == STEP_OPEN | STEP_ENDED | {"pending"}


@pytest.mark.parametrize("status", ["completed", "cancelled"])
def test_a_run_that_is_over_stays_as_it_is(status: RunStatus) -> None:
    assert not RUN_TRANSITIONS[status] and not ALLOWED_ON_RUN[status]


@pytest.mark.parametrize("status", sorted(RUN_OPEN))
def test_every_open_run_can_be_cancelled(status: RunStatus) -> None:
    assert "cancelled" in RUN_TRANSITIONS[status] and "cancel" in ALLOWED_ON_RUN[status]


@pytest.mark.parametrize("status", sorted(STEP_ENDED))
def test_a_step_that_has_ended_can_only_begin_anew(status: StepStatus) -> None:
    assert STEP_TRANSITIONS[status] == {"pending"}


@pytest.mark.parametrize("status", sorted(STEP_OPEN))
def test_every_open_step_can_be_cancelled(status: StepStatus) -> None:
    assert "cancelled" in STEP_TRANSITIONS[status]
