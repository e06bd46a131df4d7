"""Names that are nearly right are told about, and nothing is lost."""

from typing import Any

import pytest

from contracts.definitions import PlaybookDraft
from services.playbook_registry.domain.revisions import as_json, first_revision
from services.playbook_registry.domain.warnings import warnings
from shared import clock

STEP = {"name": "A", "sequence": 1}


def draft(step: dict[str, Any] | None = None, **more: Any) -> PlaybookDraft:
    whole = {"name": "Test", "smart_code": "HERA.TEST.PLAYBOOK.UNIT.v1", "steps": [{**STEP, **(step or {})}], **more}
    return PlaybookDraft.model_validate(whole)


def field_with(**more: Any) -> PlaybookDraft:
    return draft({"metadata": {"form_fields": [{"name": "a", "type": "text", **more}]}})


@pytest.mark.parametrize(
    ("sent", "field", "meant"),
    [
        (draft(catgory="x"), "playbook.catgory", "category"),
        (draft({"asignee_roles": ["x"]}), "steps[0].asignee_roles", "assignee_roles"),
        (draft({"metadata": {"form_feilds": []}}), "steps[0].metadata.form_feilds", "form_fields"),
        (
            draft({"automation_config": {"timeout_second": 1}}),
            "steps[0].automation_config.timeout_second",
            "timeout_seconds",
        ),
        (
            draft({"conditions": {"pre": [{"field": "x", "operator": "exists", "feild": 1}]}}),
            "steps[0].conditions.pre[0].feild",
            "field",
        ),
        (draft(metadata={"sla_hour": 1}), "playbook.metadata.sla_hour", "sla_hours"),
        (field_with(requird=True), "steps[0].metadata.form_fields[0].requird", "required"),
        (field_with(options=[{"valeu": 1, "value": 2}]), "steps[0].metadata.form_fields[0].options[0].valeu", None),
        (
            draft({"metadata": {"required_outputs": [{"name": "a", "optoins": []}]}}),
            "steps[0].metadata.required_outputs[0].optoins",
            "options",
        ),
        (
            draft({"step_type": "approval", "metadata": {"approval_options": [{"action": "a", "end_playbok": True}]}}),
            "steps[0].metadata.approval_options[0].end_playbok",
            "end_playbook",
        ),
        (
            draft(metadata={"escalation": {"escalate_to": ["a"], "after_hour": 1}}),
            "playbook.metadata.escalation.after_hour",
            "after_hours",
        ),
    ],
)
def test_asks_whether_another_name_is_meant(sent: PlaybookDraft, field: str, meant: str | None) -> None:
    if meant is None:
        assert [w["field"] for w in warnings(sent) if w["message"] == "Unknown field, kept as is"] == [field]
        return
    assert [w["field"] for w in warnings(sent) if f"Did you mean {meant!r}?" in w["message"]] == [field]


def test_says_nothing_of_fields_that_are_like_none() -> None:
    sent = draft({"colour": "red", "metadata": {"owner": "me"}}, cost_center="c1")
    assert warnings(sent) == []


def test_tells_of_every_unknown_name_in_a_form_field_but_not_of_what_is_shown_or_the_authors_own() -> None:
    sent = field_with(pattern="^a", label="A", help="Why", x_system="crm")
    assert warnings(sent) == [
        {"field": "steps[0].metadata.form_fields[0].pattern", "message": "Unknown field, kept as is"}
    ]


def test_keeps_what_it_does_not_know_and_lets_it_replace_nothing() -> None:
    sent = draft({"colour": "red"}, cost_center="c1", created_by="somebody", revision=9)
    kept = as_json(first_revision(sent, "pb_1", "org_1", clock.now(), "author"))
    assert (kept["cost_center"], kept["created_by"], kept["revision"]) == ("c1", "author", 1)
    assert kept["steps"][0]["colour"] == "red"
