"""What a draft may not say, and the order in which it is told."""

from collections.abc import Callable
from typing import Any

import pytest

from contracts.policies import DEFAULT_POLICIES, FinancialControls, OrganizationPolicies
from services.playbook_registry.domain.validation import refusal
from services.playbook_registry.domain.warnings import warnings
from tests.unit.playbook_registry.drafts import draft, faults_of, step_with


@pytest.mark.parametrize(
    ("smart_code", "reason"),
    [
        ("HERA.CRM.PLAYBOOK.TEST", "Smart code must end with version (e.g., .v1)"),
        ("HERA.CRM.PLAYBOOK.TEST.v0", "Smart code must end with version (e.g., .v1)"),
        ("HERA.CRM.PLAYBOOK.TEST.v1\n", "Smart code must end with version (e.g., .v1)"),
        ("", "Smart code must start with HERA"),
        ("ACME.CRM.PLAYBOOK.TEST.v1", "Smart code must start with HERA"),
        ("HERA.CRM.v1", "Smart code must have 3 to 8 segments between HERA and the version, not 1"),
        (
            "HERA.CRM.playbook.TEST.v1",
            "Segment 'playbook' must be 2 to 30 capital letters, digits or underscores, the first of them a letter",
        ),
    ],
)
def test_says_which_rule_a_smart_code_breaks(smart_code: str, reason: str) -> None:
    rejection = refusal(draft({}, smart_code=smart_code), DEFAULT_POLICIES)
    assert rejection is not None
    assert (rejection.code, rejection.details["reason"]) == ("SMART_CODE_INVALID", reason)


@pytest.mark.parametrize(
    ("condition", "field"),
    [
        ({}, ""),
        ({"field": "a", "step": 1}, ""),
        ({"field": "a", "operator": "~", "value": 1}, ".operator"),
        ({"field": "a"}, ".operator"),
        ({"field": "a..b", "operator": "exists"}, ".field"),
        ({"field": "steps.step_009.x", "operator": "exists"}, ".field"),
        ({"field": "a", "operator": "="}, ".value"),
        ({"field": "a", "operator": ">", "value": True}, ".value"),
        ({"field": "a", "operator": "in", "value": "x"}, ".value"),
        ({"field": "a", "operator": "not_in", "value": []}, ".value"),
        ({"field": "a", "operator": "between", "value": [1]}, ".value"),
        ({"field": "a", "operator": "between", "value": [2, 1]}, ".value"),
        ({"field": "a", "operator": "between", "value": [1, "2"]}, ".value"),
        ({"field": "a", "operator": "matches", "value": "(a"}, ".value"),
        ({"field": "a", "operator": "matches", "value": "(?=a)"}, ".value"),
        ({"field": "a", "operator": "starts_with", "value": 1}, ".value"),
        ({"field": "a", "operator": "between", "value": ["b", "a"]}, ".value"),
        ({"field": "a", "operator": "between", "value": ["2024-01-02", "2024-01-01T23:00:00Z"]}, ".value"),
        ({"field": "a", "operator": "between", "value": ["2024-01-01", "soon"]}, ".value"),
        ({"field": "a", "operator": "between", "value": [None, 1]}, ".value"),
        ({"field": "a", "operator": "exists", "value": False}, ".value"),
        ({"field": "a", "operator": "not_exists", "value": "x"}, ".value"),
        ({"field": "steps.step_001", "operator": "exists"}, ".field"),
        ({"field": "a", "operator": "exists", "status": "completed"}, ".status"),
        ({"step": 1, "operator": "!=", "status": "failed"}, ".operator"),
        ({"step": 1, "value": "completed"}, ".value"),
        ({"operator": "and", "value": 1, "conditions": [{"step": 1}]}, ".value"),
        ({"step": 9, "status": "completed"}, ".step"),
        ({"step": 1, "status": "done"}, ".status"),
        ({"step": 1, "status": "paused"}, ".status"),
        ({"operator": "xor", "conditions": [{"step": 1}]}, ".operator"),
        ({"operator": "and", "conditions": []}, ".conditions"),
        ({"operator": "not", "conditions": [{"field": "a", "operator": "?"}]}, ".conditions[0].operator"),
    ],
)
def test_refuses_a_malformed_condition(condition: dict[str, Any], field: str) -> None:
    assert faults_of(draft({}, step_with(**condition))) == [("VALIDATION_ERROR", f"steps[1].conditions.pre[0]{field}")]


@pytest.mark.parametrize(
    "condition",
    [
        {"field": "a", "operator": "=", "value": None},
        {"field": "a.b", "operator": "exists"},
        {"field": "a.b", "operator": "exists", "value": True},
        {"field": "a", "operator": ">", "value": 10**400},
        {"field": "a", "operator": "between", "value": [1, 1.0]},
        {"field": "a", "operator": "between", "value": ["2024-01-01T12:00:00+02:00", "2024-01-01T11:00:00Z"]},
        {"field": "context.region", "operator": "in", "value": ["eu"]},
        {"field": "steps.step_001.outcome", "operator": "=", "value": "success"},
        {"field": "a", "operator": "between", "value": ["2024-01-01", "2024-12-31"]},
        {"field": "a", "operator": "matches", "value": "^[a-z]+$"},
        {"operator": "or", "conditions": [{"step": 1}, {"field": "a", "operator": "<", "value": 1}]},
    ],
)
def test_accepts_a_well_formed_condition(condition: dict[str, Any]) -> None:
    assert faults_of(draft({}, step_with(**condition))) == []


def test_checks_post_conditions_too() -> None:
    wrong = {"conditions": {"post": [{"field": "a", "operator": "like", "value": "x"}]}}
    assert faults_of(draft(wrong)) == [("VALIDATION_ERROR", "steps[0].conditions.post[0].operator")]


def _options(*options: dict[str, Any]) -> dict[str, Any]:
    return {"step_type": "approval", "metadata": {"approval_options": [{"action": "go", **o} for o in options]}}


@pytest.mark.parametrize(
    ("option", "field"),
    [
        ({"next_step": 9}, ".next_step"),
        ({"next_step": "3"}, ".next_step"),
        ({"next_step": 1}, ".next_step"),
        ({"next_step": 2}, ".next_step"),
        ({"return_to_step": 3}, ".return_to_step"),
        ({"return_to_step": 0}, ".return_to_step"),
        ({"next_step": 3, "end_playbook": True}, ""),
        ({"action": None}, ".action"),
        ({"end_playbook": "yes"}, ".end_playbook"),
    ],
)
def test_refuses_a_jump_that_leads_nowhere(option: dict[str, Any], field: str) -> None:
    assert faults_of(draft({}, _options(option), {})) == [
        ("VALIDATION_ERROR", f"steps[1].metadata.approval_options[0]{field}")
    ]


def test_refuses_two_options_of_one_action() -> None:
    assert faults_of(draft(_options({}, {}))) == [("VALIDATION_ERROR", "steps[0].metadata.approval_options[1].action")]


@pytest.mark.parametrize(
    ("step", "field"),
    [
        ({"metadata": {"form_fields": "name"}}, "metadata.form_fields"),
        ({"metadata": {"form_fields": [{"type": "text"}]}}, "metadata.form_fields[0].name"),
        ({"metadata": {"form_fields": [{"name": "a"}, {"name": "a"}]}}, "metadata.form_fields[1].name"),
        ({"metadata": {"form_fields": [{"name": "a", "validation": "["}]}}, "metadata.form_fields[0].validation"),
        ({"metadata": {"form_fields": [{"name": "a", "encrypted": "yes"}]}}, "metadata.form_fields[0].encrypted"),
        ({"metadata": {"voting_threshold": 0.5}}, "metadata.voting_threshold"),
        ({"metadata": {"voting_threshold": 3, "committee_size": 5}}, "metadata.voting_threshold"),
        ({"metadata": {"approval_matrix": {"about_5": ["ceo"]}}}, "metadata.approval_matrix"),
        ({"metadata": {"approval_matrix": {"over_5m": []}}}, "metadata.approval_matrix.over_5m"),
        ({"metadata": {"escalation": {"after_hours": "4"}}}, "metadata.escalation.after_hours"),
        ({"metadata": {"response_sla": 15}}, "metadata.response_sla"),
        ({"metadata": {"response_sla": {"P1": 15, "P2": "30"}}}, "metadata.response_sla.P2"),
        ({"metadata": {"calendar": 5}}, "metadata.calendar"),
        ({"metadata": {"reminders": {"before_hours": 1}}}, "metadata.reminders"),
        ({"metadata": {"reminders": [{"before_hours": 1}] * 11}}, "metadata.reminders"),
        ({"metadata": {"reminders": ["1h"]}}, "metadata.reminders[0]"),
        ({"metadata": {"reminders": [{"before_hours": 1}, {"before_days": 1}]}}, "metadata.reminders[1]"),
        ({"metadata": {"reminders": [{"before_hours": 1, "before_minutes": 5}]}}, "metadata.reminders[0]"),
        ({"metadata": {"reminders": [{"before_minutes": 0}]}}, "metadata.reminders[0].before_minutes"),
        ({"metadata": {"reminders": [{"before_hours": None}]}}, "metadata.reminders[0].before_hours"),
        ({"metadata": {"sla_hours": 0}}, "metadata.sla_hours"),
        ({"sla_hours": "4"}, "sla_hours"),
        ({"on_timeout": "explode"}, "on_timeout"),
        ({"metadata": {"on_timeout": "escalate"}}, "metadata.on_timeout"),
        ({"assignee_roles": ["a", " "]}, "assignee_roles[1]"),
        (
            {"metadata": {"approval_matrix": {"over_1": ["a"]}, "voting_threshold": 0.5, "committee_size": 2}},
            "metadata.approval_matrix",
        ),
    ],
)
def test_refuses_metadata_that_could_not_be_carried_out(step: dict[str, Any], field: str) -> None:
    assert faults_of(draft(step)) == [("VALIDATION_ERROR", f"steps[0].{field}")]


@pytest.mark.parametrize("number", [1e300, 1e15, 2**62, 52_560_001, -1, 0])
@pytest.mark.parametrize(
    ("step", "field"),
    [
        (lambda n: {"sla_hours": n}, "sla_hours"),
        (lambda n: {"metadata": {"sla_hours": n}}, "metadata.sla_hours"),
        (lambda n: {"metadata": {"escalation": {"after_hours": n}}}, "metadata.escalation.after_hours"),
        (lambda n: {"metadata": {"response_sla": {"P1": n}}}, "metadata.response_sla.P1"),
        (lambda n: {"metadata": {"reminders": [{"before_hours": n}]}}, "metadata.reminders[0].before_hours"),
        (lambda n: {"metadata": {"reminders": [{"before_minutes": n}]}}, "metadata.reminders[0].before_minutes"),
        (lambda n: {"metadata": {"voting_threshold": 1, "committee_size": n}}, "metadata.committee_size"),
    ],
)
def test_refuses_lengths_of_time_and_committees_that_nobody_can_mean(
    step: Callable[[float], dict[str, Any]], field: str, number: float
) -> None:
    assert faults_of(draft(step(number))) == [("VALIDATION_ERROR", f"steps[0].{field}")]


@pytest.mark.parametrize("number", [1e300, 2**62, 52_560_001])
def test_refuses_such_lengths_of_time_of_a_whole_playbook_and_as_time_out(number: float) -> None:
    for field in ("sla_hours", "estimated_duration_minutes"):
        assert faults_of(draft(metadata={field: number})) == [("VALIDATION_ERROR", f"playbook.metadata.{field}")]
    assert faults_of(draft({"timeout_minutes": number})) == [("VALIDATION_ERROR", "steps[0].timeout_minutes")]


def test_a_hundred_years_can_be_meant() -> None:
    assert faults_of(draft({"timeout_minutes": 52_560_000}, metadata={"sla_hours": 876_000})) == []


@pytest.mark.parametrize(
    "several", [{"voting_threshold": 0.5, "committee_size": 2}, {"approval_matrix": {"over_1": ["a"]}}]
)
def test_refuses_two_ways_to_approve_where_several_vote(several: dict[str, Any]) -> None:
    actions = ["approve", "approve_faster", "reject", "ask"]
    jumps: dict[str, dict[str, Any]] = {"reject": {"end_playbook": True}, "ask": {"return_to_step": 1}}
    options = [{"action": action, **jumps.get(action, {})} for action in actions]
    step = {"step_type": "approval", "metadata": {"approval_options": options, **several}}
    assert faults_of(draft({}, step)) == [("VALIDATION_ERROR", "steps[1].metadata.approval_options[1].action")]
    assert faults_of(draft({}, {**step, "metadata": {"approval_options": options}})) == []


@pytest.mark.parametrize(
    ("condition", "field"),
    [
        ({"field": "steps.step_001.status", "operator": "=", "value": "paused"}, ".value"),
        ({"operator": "not", "conditions": [{"field": "steps.step_001.status", "operator": "in", "value": ["paused"]}]},
         ".conditions[0].value"),
    ],
)  # fmt: skip
def test_warns_of_a_status_that_no_condition_sees(condition: dict[str, Any], field: str) -> None:
    step = {"conditions": {"on_unmet": "skip", "pre": [condition]}}
    [warning] = warnings(draft({}, step))
    assert warning["field"] == f"steps[1].conditions.pre[0]{field}"


def test_does_not_warn_of_a_status_that_conditions_see() -> None:
    seen = {"operator": "=", "value": "completed"}
    pre = [{**seen, "field": "steps.step_001.status"}, {**seen, "field": "status", "value": "paused"}]
    assert warnings(draft({}, {"conditions": {"on_unmet": "skip", "pre": pre}})) == []


@pytest.mark.parametrize("field", ["sla_hours", "escalation", "reminders"])
def test_names_the_metadata_of_a_playbook_as_its_other_fields(field: str) -> None:
    assert faults_of(draft(metadata={field: "x"})) == [("VALIDATION_ERROR", f"playbook.metadata.{field}")]


@pytest.mark.parametrize(
    ("metadata", "field"),
    [
        ({"approval_matrix": {"over_5": ["a"]}}, "approval_matrix"),
        ({"voting_threshold": 0.5, "committee_size": 2}, "voting_threshold"),
        ({"escalation": {"after_hours": 4}}, "escalation"),
    ],
)
def test_warns_of_what_will_never_be_done(metadata: dict[str, Any], field: str) -> None:
    [warning] = warnings(draft({"metadata": metadata}))
    assert warning["field"] == f"steps[0].metadata.{field}"


def _field(**field: Any) -> dict[str, Any]:
    return {"step_type": "form", "metadata": {"form_fields": [{"name": "f", **field}]}}


@pytest.mark.parametrize(
    ("field", "path"),
    [
        ({"type": 5}, ".type"),
        ({"type": "text", "required": "yes"}, ".required"),
        ({"type": "number", "min": "5"}, ".min"),
        ({"type": "number", "min": 5, "max": 1}, ".min"),
        ({"type": "integer", "max": "today"}, ".max"),
        ({"type": "text", "max": -1}, ".max"),
        ({"type": "text", "max": 1.5}, ".max"),
        ({"type": "text", "min_length": 5, "max_length": 2}, ".min_length"),
        ({"type": "date", "max": "tomorrow"}, ".max"),
        ({"type": "date", "min": "2024-02-30"}, ".min"),
        ({"type": "date", "min": "2024-02-02", "max": "2024-02-01"}, ".min"),
        ({"type": "datetime", "min": 5}, ".min"),
        ({"type": "boolean", "max": 1}, ".max"),
        ({"type": "select"}, ".options"),
        ({"type": "multiselect", "options": []}, ".options"),
        ({"type": "select", "options": "a,b"}, ".options"),
        ({"type": "select", "options": ["a", {"label": "B"}]}, ".options[1]"),
        ({"type": "number", "validation": "^1$"}, ".validation"),
        ({"type": "text", "validation": "(?=a)"}, ".validation"),
        ({"type": "number", "default": "5"}, ".default"),
        ({"type": "select", "options": ["a"], "default": "b"}, ".default"),
        ({"type": "date", "default": "tomorrow"}, ".default"),
        ({"type": "text", "default": "x", "encrypted": True}, ".default"),
    ],
)
def test_refuses_a_field_that_is_malformed_with_its_path(field: dict[str, Any], path: str) -> None:
    assert faults_of(draft(_field(**field))) == [("VALIDATION_ERROR", f"steps[0].metadata.form_fields[0]{path}")]


@pytest.mark.parametrize(
    "field",
    [
        {"type": "date", "min": "2020-01-01", "max": "today", "default": "today"},
        {"type": "datetime", "min": "2020-01-01", "max": "2030-01-01T00:00:00Z"},
        {"type": "select", "options": [{"value": 1, "label": "One"}], "default": 1},
        {"type": "multiselect", "options": ["a", "b"], "min": 1, "max": 2, "default": ["a"]},
        {"type": "file", "max": 3},
        {"type": "text", "min": 2, "max": 2, "validation": "^..$"},
        {"min": 1, "max": 2.5},
        {"type": "signature", "default": {"any": "thing"}},
    ],
)
def test_accepts_a_field_that_is_well_formed(field: dict[str, Any]) -> None:
    assert faults_of(draft(_field(**field))) == []


def test_warns_of_a_type_that_nothing_knows() -> None:
    [warning] = warnings(draft(_field(type="signature")))
    assert warning["field"] == "steps[0].metadata.form_fields[0].type"


@pytest.mark.parametrize(
    ("metadata", "path"),
    [
        ({"sections": [{"title": "A"}]}, "sections"),
        ({"deliverables": "report"}, "deliverables"),
        ({"review_checklist": [1]}, "review_checklist"),
        ({"inspection_points": {"a": 1}}, "inspection_points"),
        ({"rejection_criteria": {"max_defects": "2"}}, "rejection_criteria.max_defects"),
        ({"rejection_criteria": {"critical_defect_auto_fail": 1}}, "rejection_criteria.critical_defect_auto_fail"),
        ({"rejection_criteria": {"defects": 2}}, "rejection_criteria.defects"),
    ],
)
def test_refuses_lists_and_criteria_that_could_not_be_minded(metadata: dict[str, Any], path: str) -> None:
    assert faults_of(draft({"metadata": metadata})) == [("VALIDATION_ERROR", f"steps[0].metadata.{path}")]


def test_takes_steps_of_one_sequence_for_a_group() -> None:
    assert faults_of(draft({"sequence": 1}, {"sequence": 1}, {"sequence": 2})) == []


def test_refuses_the_same_step_twice() -> None:
    twice = draft({"name": "Review", "sequence": 1}, {"name": "Review", "sequence": 1})
    assert faults_of(twice) == [("VALIDATION_ERROR", "steps[1].sequence")]


def test_refuses_a_shared_sequence_where_a_step_says_that_it_is_not_parallel() -> None:
    shared = draft({"sequence": 1}, {"sequence": 1, "parallel_allowed": False})
    assert faults_of(shared) == [("VALIDATION_ERROR", "steps[1].sequence")]


def test_tells_everything_in_the_order_of_the_checks() -> None:
    wrong = draft(
        {"smart_code": "nonsense", "automation_config": {"auto_approve_limit": 200_000}},
        step_with(step=3),
        {"conditions": {"pre": [{"step": 2}, {"field": "a", "operator": "~", "value": 1}]}},
        smart_code="HERA.X",
    )
    assert faults_of(wrong) == [
        ("SMART_CODE_INVALID", "playbook.smart_code"),
        ("VALIDATION_ERROR", "steps[0].smart_code"),
        ("VALIDATION_ERROR", "steps[2].conditions.pre[1].operator"),
        ("CIRCULAR_DEPENDENCY", ""),
        ("POLICY_VIOLATION", ""),
    ]
    rejection = refusal(wrong, DEFAULT_POLICIES)
    assert rejection is not None
    assert rejection.details["field"] == "playbook.smart_code"


def test_holds_the_limit_of_the_organization() -> None:
    strict = OrganizationPolicies(financial_controls=FinancialControls(auto_approve_limit=99.5))
    rejection = refusal(draft({"automation_config": {"auto_approve_limit": 100}}), strict)
    assert rejection is not None
    assert rejection.details["max_allowed"] == 99.5
