"""What a completion must hold: form, outputs, documents, checklist, rejection criteria, post-conditions, limits."""

from typing import Any

import pytest

from contracts.policies import ApprovalLimit, OrganizationPolicies, RoleLimit, RoleOrder
from contracts.rejections import Code
from tests.unit.run_engine.story import Story, playbook, somebody, trial


def form(**field: Any) -> Story:
    return trial({"step_type": "form", "metadata": {"form_fields": [{"name": "f", **field}]}})


def refused(story: Story, **completion: Any) -> list[str]:
    story.completes(1, **completion)
    assert story.state.status == "active" and story.step(1).status == "in_progress"
    return [found["condition"] for found in story.violations()]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ({"type": "text", "required": True}, None), ({"type": "text", "required": True}, "  "),
        ({"type": "number"}, "5"), ({"type": "number"}, True), ({"type": "number", "min": 10}, 9),
        ({"type": "number", "max": 10}, 11), ({"type": "integer"}, 1.5), ({"type": "email"}, "nobody"),
        ({"type": "text", "validation": "^[a-z]+$"}, "A"), ({"type": "text", "validation": "(a"}, "a"),
        ({"type": "select", "options": ["a", "b"]}, "c"), ({"type": "multiselect", "options": ["a"]}, ["a", "c"]),
        ({"type": "date"}, "15.1.2024"), ({"type": "date", "max": "today"}, "2024-01-16"),
        ({"type": "date", "min": "2024-01-01"}, "2023-12-31"), ({"type": "boolean"}, "yes"),
        ({"type": "text", "min_length": 3}, "ab"), ({"type": "text", "max_length": 3}, "abcd"),
    ],
)  # fmt: skip
def test_a_form_field_that_is_wrong_leaves_the_step_open(field: dict[str, Any], value: Any) -> None:
    assert len(refused(form(**field), data={"f": value})) == 1


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ({"type": "date", "max": "today"}, "2024-01-15"), ({"type": "number", "min": 1, "max": 1}, 1),
        ({"type": "select", "options": [{"value": "a", "label": "A"}]}, "a"), ({"type": "text"}, None),
        ({"type": "text", "validation": "^\\d{3}-\\d{2}$"}, "123-45"), ({"type": "signature"}, {"any": "thing"}),
    ],
)  # fmt: skip
def test_a_form_field_that_is_right_is_taken(field: dict[str, Any], value: Any) -> None:
    form(**field).completes(1, data={"f": value, "unknown": "kept"}).then("StepCompleted", "RunCompleted")


def test_all_violations_are_listed_and_an_encrypted_value_is_not_told() -> None:
    fields = [
        {"name": "a", "required": True},
        {"name": "ssn", "type": "text", "validation": "^\\d+$", "encrypted": True},
    ]
    story = trial({"metadata": {"form_fields": fields}}).completes(1, data={"ssn": "secret"})
    assert [found["field"] for found in story.violations()] == ["a", "ssn"]
    assert "secret" not in str(story.violations())


def test_who_gives_up_need_not_have_filled_in_the_form() -> None:
    form(required=True).completes(1, outcome="failure").then("StepFailed", "RunFailed")


def test_required_outputs_may_be_data_of_their_type_or_a_document() -> None:
    outputs = [{"name": "doc", "type": "document"}, {"name": "level", "type": "select", "options": ["low", "high"]}]
    story = trial({"metadata": {"required_outputs": outputs}})
    assert len(refused(story, data={"level": "odd"})) == 2
    story.completes(1, data={"level": "low"}, attachments=[{"name": "doc.pdf"}]).then("StepCompleted", "RunCompleted")


@pytest.mark.parametrize(
    "completion",
    [
        {"attachments": [{"name": "plan.pdf"}]}, {"attachments": [{"name": "x.pdf", "document": "plan"}]},
        {"data": {"plan": "link"}},
    ],
)  # fmt: skip
def test_a_required_document_is_an_attachment_or_data_of_its_name(completion: dict[str, Any]) -> None:
    story = trial({"metadata": {"required_documents": ["plan"]}})
    assert refused(story) == ["document plan"]
    story.completes(1, **completion).then("StepCompleted", "RunCompleted")


@pytest.mark.parametrize(
    "sent", [["a"], {"a": True, "b": False}, [{"item": "a", "completed": True}, {"item": "b", "completed": False}]]
)
def test_a_checklist_that_is_sent_must_be_checked_off(sent: Any) -> None:
    story = trial({"metadata": {"task_checklist": ["a", "b"]}})
    assert refused(story, data={"task_checklist": sent}) == ["b is done"]
    story.completes(1).then("StepCompleted", "RunCompleted")


def test_each_section_of_a_form_is_answered_if_only_by_nothing() -> None:
    story = trial({"step_type": "form", "metadata": {"sections": ["allergies", {"name": "surgeries"}]}})
    assert refused(story, data={"allergies": None}) == ["section allergies", "section surgeries"]
    story.completes(1, data={"allergies": [], "surgeries": ""}).then("StepCompleted", "RunCompleted")


def test_deliverables_are_handed_in() -> None:
    story = trial({"metadata": {"deliverables": ["rca", "actions"]}})
    assert refused(story, attachments=[{"name": "rca.pdf"}], data={"actions": []}) == ["document actions"]
    story.completes(1, attachments=[{"name": "rca.pdf"}], data={"actions": ["x"]}).then("StepCompleted", "RunCompleted")


@pytest.mark.parametrize("name", ["review_checklist", "initial_actions"])
def test_other_checklists_are_minded_as_the_tasks_is(name: str) -> None:
    story = trial({"metadata": {name: ["a", "b"]}})
    assert refused(story, data={name: {"a": True}}) == ["b is done"]
    story.completes(1, data={name: ["b", "a"]}).then("StepCompleted", "RunCompleted")


@pytest.mark.parametrize("sent", [{"a": "pass", "b": ""}, ["a"], [{"point": "a", "result": 4.1}, {"point": "b"}]])
def test_an_inspection_that_is_told_has_a_result_for_every_point(sent: Any) -> None:
    story = trial({"metadata": {"inspection_points": ["a", "b"]}})
    assert refused(story, data={"inspection_points": sent}) == ["b has a result"]
    story.completes(1, data={"inspection_points": {"a": "pass", "b": "scratched"}}).then(
        "StepCompleted", "RunCompleted"
    )


def test_a_resolution_is_of_a_type_that_the_step_names() -> None:
    story = trial({"metadata": {"resolution_types": ["fix", "rollback"]}})
    assert refused(story, data={"resolution_type": "prayer"}) == ['one of ["fix", "rollback"]']
    story.completes(1, data={"resolution_type": "rollback"}).then("StepCompleted", "RunCompleted")


@pytest.mark.parametrize(
    ("data", "conditions"),
    [
        ({"defects": 3}, ["defects <= 2"]), ({"defects": [1, 2, 3]}, ["defects <= 2"]),
        ({"total_defects": 2, "critical_defects": 1}, ["critical_defects = 0"]),
        ({"critical_defect": True}, ["critical_defect = 0"]),
        ({"defects": [], "total_defects": 7}, ["total_defects <= 2"]),
        ({"defects": "7", "critical_defect": "yes"}, ["defects <= 2", "critical_defect = 0"]),
    ],
)  # fmt: skip
def test_rejection_criteria_refuse_a_success(data: dict[str, Any], conditions: list[str]) -> None:
    criteria = {"max_defects": 2, "critical_defect_auto_fail": True}
    story = trial({"metadata": {"rejection_criteria": criteria}})
    assert refused(story, data=data) == conditions
    story.completes(1, data={"defects": 2}).then("StepCompleted", "RunCompleted")


def test_post_conditions_see_the_completions_data_over_the_runs() -> None:
    post = [{"field": "x", "operator": "=", "value": 1}, {"field": "steps.step_001.y", "operator": "exists"}]
    story = trial({"conditions": {"post": post}}, start={"initial_data": {"x": 0}})
    assert refused(story, data={"y": 1}) == ["x = 1"]
    story.completes(1, data={"x": 1, "y": 1}).then("StepCompleted", "RunCompleted")


def test_of_very_much_that_is_missing_the_first_hundred_are_told_and_how_many_there_are() -> None:
    story = trial({"metadata": {"required_documents": [f"d{number}" for number in range(1000)]}})
    story.completes(1, attachments=[{"name": "d0.pdf"}])
    details = story.refused(Code.CONTRACT_VALIDATION_FAILED).details
    assert (len(details["errors"]), details["errors_total"]) == (100, 999)
    assert details["contract_violation"]["document"] == "d1"


def test_post_conditions_see_the_outcome_of_their_own_step() -> None:
    post = [{"field": "steps.step_001.outcome", "operator": "=", "value": "approve"}]
    story = trial({"step_type": "approval", "conditions": {"post": post}})
    assert refused(story, outcome="success") == ['steps.step_001.outcome = "approve"']
    story.completes(1, outcome="approve").then("StepCompleted", "RunCompleted")


def approval(policy: ApprovalLimit) -> Story:
    steps = playbook({"step_type": "approval", "assignee_roles": ["clerk", "chief", "guest"]})
    order = RoleOrder(roles=("clerk", "chief"))
    return Story(steps, OrganizationPolicies(approval_limit=policy, role_order=order)).started()


POLICY = ApprovalLimit(
    limits=(RoleLimit(role="clerk", max_amount=500), RoleLimit(role="chief", max_amount=2_500_000)),
)


@pytest.mark.parametrize(
    ("roles", "amount", "condition", "required"),
    [
        (("clerk",), 501, "approval_amount <= 500", "chief"), (("guest",), 1, "approval_amount <= 0", "clerk"),
        (("clerk", "chief"), 3_000_000, "approval_amount <= 2500000", None),
        (("chief",), "lots", "approval_amount <= 2500000", None),
    ],
)  # fmt: skip
def test_an_amount_above_the_highest_roles_limit_is_refused(
    roles: tuple[str, ...], amount: Any, condition: str, required: str | None
) -> None:
    story = approval(POLICY).completes(1, somebody("x", *roles), data={"approval_amount": amount})
    [found] = story.violations()
    assert (found["condition"], found["required_role"]) == (condition, required)


def test_an_amount_within_the_limit_is_taken_and_a_rejection_has_none() -> None:
    approval(POLICY).completes(1, somebody("x", "clerk", "chief"), data={"approval_amount": 501}).then(
        "StepCompleted", "RunCompleted"
    )
    over = {"approval_amount": 10**9}
    assert (
        approval(POLICY).completes(1, somebody("x", "clerk"), outcome="reject", data=over).state.outcome == "rejected"
    )
