"""What is wrong beside a wrong shape is told with it, and nothing that only follows from what could not be read."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.policies import DEFAULT_POLICIES
from services.playbook_registry.domain.legible import what_else
from tests.unit.playbook_registry.drafts import draft

BAD_CODE = "HERA.CRM.STEP.INVALID"


def found(*steps: Any, **fields: Any) -> list[tuple[str, str]]:
    raw = {"name": "Test", "smart_code": "HERA.TEST.PLAYBOOK.SMALL.v1", "steps": list(steps), **fields}
    return [(f.code.value, f.details.get("field", "")) for f in what_else(raw, DEFAULT_POLICIES)]


def step(sequence: Any, **more: Any) -> dict[str, Any]:
    return {"name": f"Step {sequence}", "sequence": sequence, **more}


AFTER_1 = step(2, conditions={"pre": [{"step": 1}]})
AFTER_2 = step(1, conditions={"pre": [{"step": 2}]})


@pytest.mark.parametrize(
    "faulty",
    [
        {"timeout_minutes": "5"},
        {"step_type": "magic"},
        {"metadata": []},
        {"assignee_roles": [5]},
        {"conditions": {"post": [5]}},
        {"conditions": {"on_unmet": "x"}},
        {"name": 5},
    ],
)
def test_a_circle_is_told_beside_faults_that_make_no_edges(faulty: dict[str, Any]) -> None:
    raw = {"name": 5, "smart_code": "HERA.TEST.PLAYBOOK.SMALL.v1", "steps": [AFTER_2, AFTER_1, step(3, **faulty)]}
    [fault] = what_else(raw, DEFAULT_POLICIES)
    assert (fault.code.value, fault.details["steps_involved"]) == ("CIRCULAR_DEPENDENCY", ["Step 1", "Step 2"])


def test_smart_codes_policies_and_other_steps_are_told_beside_a_wrong_shape() -> None:
    greedy = {"automation_config": {"auto_approve_limit": 10**7}}
    unknown = {"conditions": {"pre": [{"field": "a", "operator": "~", "value": 1}]}}
    assert found(
        step("1", smart_code=BAD_CODE), step(2, smart_code=BAD_CODE, is_required="yes", **unknown), step(3, **greedy),
        smart_code="HERA.X", description=5,
    ) == [
        ("SMART_CODE_INVALID", "playbook.smart_code"),
        ("VALIDATION_ERROR", "steps[0].smart_code"),
        ("VALIDATION_ERROR", "steps[1].smart_code"),
        ("VALIDATION_ERROR", "steps[1].conditions.pre[0].operator"),
        ("POLICY_VIOLATION", ""),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "steps",
    [
        [step("2"), step(3, conditions={"pre": [{"step": 2}]})],
        [{"name": "A"}, step(2, metadata={"approval_options": [{"action": "x", "return_to_step": 1}]})],
        [step(1), "a step", step(3, conditions={"pre": [{"step": 2}]})],
        [step(1, conditions="none"), step(2, conditions={"pre": [{"step": 1}]})],
        [step(1, conditions={"pre": [5]}), step(2)],
        [step(1, conditions={"pre": [{"step": "2"}]}), step(2, conditions={"pre": [{"step": 1}]})],
        [step(1, name=5), step(1, name=None)],
        [{**AFTER_2, "name": 5}, AFTER_1],
        [AFTER_2, AFTER_1, step(3, parallel_allowed="yes")],
        [AFTER_2, AFTER_1, step("3")],
        [AFTER_2, AFTER_1, "a step"],
        [AFTER_2, {**AFTER_1, "conditions": {"pre": [{"step": 1}, {"step": "3"}]}}, step(3)],
        [step(1, conditions={"pre": [{"operator": "and", "conditions": [{"field": 5, "operator": "exists"}]}]})],
        [step(1, assignee_roles=["a", 5])],
        [step(1, automation_config=["x"])],
        "steps",
    ],
)
def test_what_follows_from_what_cannot_be_read_is_not_told(steps: Any) -> None:
    assert found(*steps) == []


def test_a_name_and_a_smart_code_that_are_missing_are_not_told_twice() -> None:
    assert [f.details["field"] for f in what_else({"steps": [step(1, smart_code=BAD_CODE)]}, DEFAULT_POLICIES)] == [
        "steps[0].smart_code"
    ]


def test_a_sound_draft_has_nothing_else_wrong() -> None:
    assert what_else(draft({}, {}).model_dump(), DEFAULT_POLICIES) == []


json = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-5, 5), st.text("ab", max_size=2)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["name", "sequence", "steps", "pre", "conditions", "metadata", "field", "operator", "step"]),
        inner, max_size=4,
    ),
    max_leaves=12,
)  # fmt: skip


@given(st.dictionaries(st.sampled_from(["name", "smart_code", "steps", "metadata", "type"]), json), st.lists(json))
def test_whatever_is_sent_nothing_raises(raw: dict[str, Any], steps: list[Any]) -> None:
    what_else(raw, DEFAULT_POLICIES)
    what_else({**raw, "steps": [step(1, conditions=one) for one in steps]}, DEFAULT_POLICIES)
    what_else({**raw, "steps": steps}, DEFAULT_POLICIES)
