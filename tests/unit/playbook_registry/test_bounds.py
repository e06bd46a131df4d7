"""How large a playbook may be: beyond a limit it is refused with the limit's name, and nothing else is looked at."""

from typing import Any

import pytest

from contracts import limits
from contracts.definitions import PlaybookDraft
from contracts.policies import DEFAULT_POLICIES
from contracts.rejections import Rejection
from services.playbook_registry.domain.misspellings import misspellings
from services.playbook_registry.domain.validation import refusal
from services.playbook_registry.domain.warnings import warnings
from tests.unit.playbook_registry.drafts import draft, faults_of, step_with

HOLDS = {"field": "a", "operator": "exists"}


def steps(count: int, **more: Any) -> PlaybookDraft:
    return draft(*[more] * count)


def nested(depth: int) -> dict[str, Any]:
    return {"operator": "not", "conditions": [nested(depth - 1)]} if depth else HOLDS


def refused(playbook: PlaybookDraft) -> Rejection:
    rejection = refusal(playbook, DEFAULT_POLICIES)
    assert rejection is not None
    return rejection


def field(**more: Any) -> dict[str, Any]:
    return {"metadata": {"form_fields": [{"name": "f", **more}]}}


WITHIN_AND_BEYOND = {
    "steps": (steps(1000), steps(1001)),
    "conditions_of_step": (
        draft({"conditions": {"pre": [HOLDS] * 50, "post": [HOLDS] * 50}}),
        draft({"conditions": {"pre": [{"operator": "and", "conditions": [HOLDS] * 100}]}}),
    ),
    "conditions": (steps(500, conditions={"pre": [HOLDS] * 10}), steps(501, conditions={"pre": [HOLDS] * 10})),
    "condition_depth": (draft(step_with(**nested(10))), draft(step_with(**nested(11)))),
    "matches": (
        steps(50, **step_with(field="a", operator="matches", value="^a")),
        steps(51, **step_with(field="a", operator="matches", value="^a")),
    ),
    "roles_of_step": (
        draft({"assignee_roles": [f"r{n}" for n in range(100)]}),
        draft({"assignee_roles": [f"r{n}" for n in range(101)]}),
    ),
    "fields_of_step": (
        draft({"metadata": {"form_fields": [{"name": f"f{n}"} for n in range(200)]}}),
        draft({"metadata": {"required_outputs": [{"name": f"f{n}"} for n in range(201)]}}),
    ),
    "options_of_field": (
        draft(field(type="select", options=list(range(1000)))),
        draft(field(type="select", options=list(range(1001)))),
    ),
    "items_of_list": (
        draft({"metadata": {"required_documents": [f"d{n}" for n in range(1000)]}}),
        draft({"metadata": {"task_checklist": [f"d{n}" for n in range(1001)]}}),
    ),
    "bands": (
        draft({"metadata": {"approval_matrix": {f"over_{n}": ["r"] for n in range(100)}}}),
        draft({"metadata": {"approval_matrix": {f"over_{n}": ["r"] for n in range(101)}}}),
    ),
    "definition_bytes": (draft({}, description="x" * 1_000_000), draft({}, description="x" * limits.DEFINITION_BYTES)),
}


@pytest.mark.parametrize("limit", WITHIN_AND_BEYOND)
def test_takes_what_is_within_a_limit(limit: str) -> None:
    within, _ = WITHIN_AND_BEYOND[limit]
    assert faults_of(within) == []


@pytest.mark.parametrize("limit", WITHIN_AND_BEYOND)
def test_refuses_what_is_beyond_and_names_the_limit(limit: str) -> None:
    _, beyond = WITHIN_AND_BEYOND[limit]
    rejection = refused(beyond)
    assert rejection.details["limit"] == limit
    assert str(rejection.details.get("max") or rejection.details.get("max_bytes")) in rejection.details["reason"]


def test_a_playbook_of_too_many_bytes_is_a_payload_too_large() -> None:
    rejection = refused(WITHIN_AND_BEYOND["definition_bytes"][1])
    assert rejection.code == "PAYLOAD_TOO_LARGE"
    assert rejection.details["actual_bytes"] > rejection.details["max_bytes"] == limits.DEFINITION_BYTES


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("a" * 1001, "validation has 1001 characters; the limit is 1000"),
        ("(?:[a-z]{0,30}x){0,30}[a-z]{0,900}", "too large"),
        ("(?:" + r"\pL{0,100}" * 5 + "){5}", "pattern too large"),
    ],
)
def test_refuses_a_pattern_that_would_cost_too_much(pattern: str, reason: str) -> None:
    rejection = refused(draft(field(type="text", validation=pattern)))
    assert rejection.details["field"] == "steps[0].metadata.form_fields[0].validation"
    assert reason in rejection.details["reason"]


def test_tells_a_hundred_faults_and_fifty_warnings_at_most() -> None:
    rejection = refused(steps(300, **step_with(field="a", operator="~")))
    assert len(rejection.details["errors"]) == 100
    found = warnings(steps(300, **step_with(field="a", operator="=", value=1)))
    assert (len(found), found[-1]["message"]) == (51, "There are 250 more warnings")


def test_thousands_of_unknown_fields_are_not_all_compared() -> None:
    many = {f"field_{n}": 1 for n in range(20_000)}
    assert len(list(misspellings(draft({"metadata": many})))) <= 500
