"""What a valid draft becomes: its revision, its answer, its warnings."""

from datetime import UTC, datetime

from contracts.definitions import PlaybookDefinition
from services.playbook_registry.domain.revisions import as_json, created_view, first_revision
from services.playbook_registry.domain.warnings import warnings
from tests.conformance.reference import example
from tests.unit.playbook_registry.drafts import draft, draft_of, step_with

NOW = datetime(2024, 1, 15, 10, 30, tzinfo=UTC)


def test_numbers_the_steps_in_order_of_sequence() -> None:
    unordered = draft(
        {"name": "last", "sequence": 20}, {"name": "first", "sequence": 5}, {"name": "mid", "sequence": 5}
    )
    revision = first_revision(unordered, "pb_1", "org_1", NOW, "user_1")
    assert [(s.step_id, s.name) for s in revision.steps] == [
        ("step_001", "first"),
        ("step_002", "mid"),
        ("step_003", "last"),
    ]


def test_keeps_what_it_does_not_know_and_how_conditions_were_written() -> None:
    condition = {"field": "a", "operator": "=", "value": None, "note": "kept"}
    revision = first_revision(draft({**step_with(**condition), "colour": "blue"}), "pb_1", "org_1", NOW, "user_1")
    step = as_json(revision)["steps"][0]
    assert step["colour"] == "blue"
    assert step["conditions"] == {"pre": [condition]}
    assert as_json(PlaybookDefinition.model_validate(as_json(revision))) == as_json(revision)


def test_answers_as_the_reference_shows() -> None:
    create = example("Create Playbook with Inlined Steps: Request")
    playbook = draft_of(create)
    shown = create.responses[0]["data"]
    revision = first_revision(playbook, shown["playbook_id"], shown["organization_id"], NOW, shown["created_by"])
    answer = created_view(revision, warnings(playbook))
    told = answer["validation"].pop("warnings")
    assert answer == {**shown, "created_at": "2024-01-15T10:30:00.000Z"}
    assert [w["field"] for w in told] == [
        "steps[1].conditions.pre",
        "steps[3].conditions.pre",
        "steps[3].automation_config.api_endpoint",
    ]


def test_the_estimate_is_null_where_none_is_given() -> None:
    revision = first_revision(draft({}), "pb_1", "org_1", NOW, "user_1")
    assert created_view(revision, [])["metrics"]["estimated_duration_minutes"] is None


def test_does_not_warn_of_encrypted_fields() -> None:
    assert warnings(draft({"metadata": {"form_fields": [{"name": "ssn", "encrypted": True}]}})) == []


def test_warns_of_steps_that_start_together_and_of_none_at_all() -> None:
    assert [w["field"] for w in warnings(draft({"sequence": 1}, {"sequence": 1}))] == ["steps[1].sequence"]
    assert [w["field"] for w in warnings(draft())] == ["steps"]


def test_does_not_warn_where_on_unmet_says_what_to_do_or_only_steps_are_named() -> None:
    decided = {"conditions": {"pre": [{"field": "a", "operator": "exists"}], "on_unmet": "skip"}}
    assert warnings(draft({}, decided, step_with(step=1))) == []


def test_warns_of_endpoints_that_will_not_be_called_as_the_author_may_think() -> None:
    def told(endpoint: str, step_type: str = "automated", *, has_base: bool = False) -> list[str]:
        step = {"step_type": step_type, "automation_config": {"api_endpoint": endpoint}}
        return [w["message"] for w in warnings(draft(step), has_base=has_base)]

    (without_base,) = told("/verify")
    assert "No base address is configured" in without_base
    assert told("/verify", has_base=True) == []
    (absolute,) = told("https://erp.example/verify", has_base=True)
    assert "only if the operator allows its host" in absolute
    (by_people,) = told("/verify", "task", has_base=True)
    assert "Nothing calls it" in by_people


def test_warns_of_reminders_of_a_step_that_is_never_due() -> None:
    reminding = {"metadata": {"reminders": [{"before_hours": 1}]}}
    assert [w["field"] for w in warnings(draft(reminding))] == ["steps[0].metadata.reminders"]
    assert warnings(draft(reminding, metadata={"sla_hours": 4})) == []
    assert warnings(draft({**reminding, "timeout_minutes": 90})) == []
