"""Which runs a bulk signal may name."""

from typing import Any

import pytest
from pydantic import ValidationError

from contracts.bulk import MAX_RUN_IDS, RunSelection
from services.run_engine.bulk.selection import listing_of


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({}, "at least one filter"),
        ({"overdue": False}, "at least one filter"),
        ({"run_ids": []}, "at least 1 item"),
        ({"run_ids": ["run_1"] * (MAX_RUN_IDS + 1)}, "at most 1000 items"),
        ({"run_ids": ["run_1"], "priority": "high"}, "priority can't go with it"),
    ],
)
def test_refuses_a_selection_that_says_nothing_or_too_much(given: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        RunSelection.model_validate(given)


def test_means_the_runs_that_the_signal_can_be_for() -> None:
    chosen = RunSelection(playbook_id="pb_1")
    paused = listing_of("org_1", chosen, "pause", None, 10).query
    assert paused["state.status"] == {"$in": ["active", "blocked", "paused"]}
    assert "failed" in listing_of("org_1", chosen, "retry", None, 10).query["state.status"]["$in"]
    only = listing_of("org_1", RunSelection(status="failed"), "cancel", None, 10).query
    assert (only["state.status"], only["organization_id"]) == ("failed", "org_1")


def test_looks_at_named_runs_of_its_own_organisation_only() -> None:
    query = listing_of("org_1", RunSelection(run_ids=["run_1"]), "pause", None, 10).query
    assert query == {"organization_id": "org_1", "_id": {"$in": ["run_1"]}}
