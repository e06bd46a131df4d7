"""Ids of operations: read by the organization that got them, and old enough to say that an outcome has expired."""

from datetime import UTC, datetime, timedelta

import pytest

from services.gateway.operation_ids import OperationId, kind_of
from shared.errors import Refused
from shared.outcomes import RETENTION

ACCEPTED_AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
OPERATION = OperationId("run", "run_1", "cmd_1", ACCEPTED_AT)


@pytest.mark.parametrize("operation", [OPERATION, OperationId("run", "run_1", "cmd_1")], ids=["new", "of before"])
def test_reads_what_it_has_given(operation: OperationId) -> None:
    text = operation.text("org_1")
    assert OperationId.read(text, "org_1") == operation
    assert kind_of(text) == "run"
    with pytest.raises(Refused):
        OperationId.read(text, "org_2")


def test_an_outcome_that_is_not_found_has_expired_after_a_week_and_not_before() -> None:
    assert not OPERATION.is_expired(ACCEPTED_AT + RETENTION)
    assert OPERATION.is_expired(ACCEPTED_AT + RETENTION + timedelta(seconds=1))
    assert not OperationId("run", "run_1", "cmd_1").is_expired(ACCEPTED_AT + timedelta(days=1000))
