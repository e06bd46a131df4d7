"""The core decides by what encrypted values hold, and nothing that comes of a decision tells them."""

from typing import Any

import pytest

from contracts.encrypted import ERASED, MASK
from contracts.policies import DEFAULT_POLICIES
from contracts.rejections import Code
from services.run_engine.domain.clear import GONE
from services.run_engine.domain.plan import plan_of
from services.run_engine.domain.views import masked_run, revealed_run, run_view
from tests.unit.run_engine.story import Story, playbook

SSN = "123-45-6789"
FIELD = {"name": "ssn", "type": "text", "required": True, "validation": r"^\d{3}-\d{2}-\d{4}$", "encrypted": True}
FORM = {"metadata": {"form_fields": [FIELD]}}


def on(operator: str, value: Any = None, field: str = "ssn") -> dict[str, Any]:
    return {"conditions": {"pre": [{"field": field, "operator": operator, "value": value}]}}


def story(*steps: dict[str, Any]) -> Story:
    return Story(playbook(FORM, *steps)).started()


def test_a_form_looks_at_what_the_value_holds() -> None:
    told = story({})
    told.completes(1, data={"ssn": told.encrypted(SSN)}).then("StepCompleted", "StepStarted")
    assert SSN not in repr(told.history) + repr(told.state)


@pytest.mark.parametrize(("value", "reason"), [("12", "It must match"), (12, "It must be a text"), ("", "required")])
def test_a_form_does_not_tell_the_value_that_it_refuses(value: Any, reason: str) -> None:
    told = story({})
    told.completes(1, data={"ssn": told.encrypted(value)})
    violation = told.refused(Code.CONTRACT_VALIDATION_FAILED, "").details["contract_violation"]
    assert reason in violation["reason"]
    assert violation["actual_value"] is None


@pytest.mark.parametrize("field", ["ssn", "steps.step_001.ssn"])
def test_a_condition_holds_by_what_the_value_holds(field: str) -> None:
    told = story(on("starts_with", "123", field))
    told.completes(1, data={"ssn": told.encrypted(SSN)}).then("StepCompleted", "StepStarted")


@pytest.mark.parametrize("field", ["ssn", "steps.step_001.ssn"])
@pytest.mark.parametrize(("operator", "value"), [("starts_with", "9"), (">", 5), ("not_exists", None)])
def test_a_condition_that_does_not_hold_does_not_tell_the_value(field: str, operator: str, value: Any) -> None:
    told = story(on(operator, value, field))
    told.completes(1, data={"ssn": told.encrypted(SSN)}).then("StepCompleted", "StepBlocked", "RunBlocked")
    (unmet,) = told.step(2).unmet
    assert unmet.actual_value is None
    assert SSN not in repr(told.history)


def test_a_condition_looks_into_an_encrypted_object() -> None:
    told = Story(playbook({"metadata": {"form_fields": [{"name": "card", "encrypted": True}]}}, on("=", 7, "card.cvc")))
    told.started().completes(1, data={"card": told.encrypted({"cvc": 7}, "card")}).then("StepCompleted", "StepStarted")


def test_a_post_condition_does_not_tell_the_value_of_another_steps_field() -> None:
    post = {"conditions": {"post": [{"field": "ssn", "operator": "=", "value": "x"}]}}
    told = story(post)
    told.completes(1, data={"ssn": told.encrypted(SSN)}).completes(2)
    rejection = told.refused(Code.CONTRACT_VALIDATION_FAILED, "")
    assert rejection.details["contract_violation"]["actual_value"] is None
    assert SSN not in rejection.model_dump_json()


def test_a_condition_on_what_was_erased_does_not_hold_and_says_so() -> None:
    told = story({}, on("=", SSN))
    told.completes(1, data={"ssn": told.encrypted(SSN)})
    told.clear = dict.fromkeys(told.clear, GONE)
    told.completes(2).then("StepCompleted", "StepBlocked", "RunBlocked")
    assert told.step(3).unmet[0].reason == "Field 'ssn' was erased"


def test_what_was_erased_exists_no_more() -> None:
    told = story({}, on("exists"))
    told.completes(1, data={"ssn": told.encrypted(SSN)})
    told.clear = dict.fromkeys(told.clear, GONE)
    assert told.completes(2).step(3).status == "blocked"


def test_a_value_whose_key_was_destroyed_on_its_way_is_asked_for_again() -> None:
    told = story({})
    value = told.encrypted(SSN)
    told.clear = dict.fromkeys(told.clear, GONE)
    told.completes(1, data={"ssn": value})
    assert "required" in told.refused(Code.CONTRACT_VALIDATION_FAILED, "").model_dump_json()


def test_an_amount_that_is_encrypted_is_held_to_the_limit_and_not_told() -> None:
    field = DEFAULT_POLICIES.approval_limit.field
    form = {"metadata": {"form_fields": [{"name": field, "encrypted": True}]}, "step_type": "approval"}
    told = Story(playbook(form)).started()
    told.completes(1, data={field: told.encrypted(98765432101, field)}, outcome="approve")
    rejection = told.refused(Code.CONTRACT_VALIDATION_FAILED, "")
    assert rejection.details["contract_violation"]["actual_value"] is None
    assert "98765432101" not in rejection.model_dump_json()


def test_an_amount_that_was_erased_lies_beyond_every_limit() -> None:
    field = DEFAULT_POLICIES.approval_limit.field
    form = {"metadata": {"form_fields": [{"name": field, "encrypted": True}]}}
    told = Story(playbook(form, {"step_type": "approval"})).started()
    told.completes(1, data={field: told.encrypted(5, field)})
    told.clear = dict.fromkeys(told.clear, GONE)
    told.completes(2, outcome="approve")
    assert told.refused(Code.CONTRACT_VALIDATION_FAILED).details["contract_violation"]["rule"] == "approval_limit"


def test_is_shown_as_a_mask_as_itself_or_as_erased() -> None:
    told = story({})
    told.completes(1, data={"ssn": told.encrypted(SSN), "deep": [{"ssn": told.encrypted("other")}], "name": "Ann"})
    plan = plan_of(told.definition)
    masked = run_view(masked_run(told.state, plan), plan)["data"]
    assert masked == {"ssn": MASK, "deep": [{"ssn": MASK}], "name": "Ann"}
    seen = run_view(revealed_run(told.state, plan, told.clear), plan)["data"]
    assert seen == {"ssn": SSN, "deep": [{"ssn": "other"}], "name": "Ann"}
    gone = run_view(revealed_run(told.state, plan, dict.fromkeys(told.clear, GONE)), plan)["data"]
    assert (gone["ssn"], gone["name"]) == (ERASED, "Ann")


FOREIGN_NAMES = ("name", "amount", "deep")


def with_stolen_value(told: Story, name: str) -> dict[str, Any]:
    """Returns data whose field of that name holds the ciphertext that the run keeps as its ssn."""
    stolen = told.state.data["ssn"]
    return {name: {"ssn2": [stolen]} if name == "deep" else stolen}


@pytest.mark.parametrize("name", FOREIGN_NAMES)
def test_a_form_refuses_a_ciphertext_under_another_name_without_what_it_holds(name: str) -> None:
    form = {"metadata": {"form_fields": [{"name": name, "type": "number"}]}}
    told = story(form)
    told.completes(1, data={"ssn": told.encrypted(SSN)})
    told.completes(2, data=with_stolen_value(told, name))
    rejection = told.refused(Code.CONTRACT_VALIDATION_FAILED).model_dump_json()
    assert SSN not in rejection and "ciphertext" not in rejection


@pytest.mark.parametrize("name", FOREIGN_NAMES)
@pytest.mark.parametrize(
    ("operator", "value"), [("=", SSN), ("contains", SSN), ("matches", "^123"), ("not_exists", None)]
)
def test_a_condition_looks_into_no_ciphertext_under_another_name(name: str, operator: str, value: Any) -> None:
    told = Story(playbook(FORM, {}, on(operator, value, name))).started()
    told.completes(1, data={"ssn": told.encrypted(SSN)})
    told.completes(2, data=with_stolen_value(told, name)).then("StepCompleted", "StepBlocked", "RunBlocked")
    assert told.step(3).unmet[0].actual_value is None


@pytest.mark.parametrize("name", FOREIGN_NAMES)
def test_no_one_is_shown_a_ciphertext_under_another_name_or_what_it_holds(name: str) -> None:
    told = story({}, on("not_exists", field=name))
    told.completes(1, data={"ssn": told.encrypted(SSN)})
    told.completes(2, data=with_stolen_value(told, name))
    plan = plan_of(told.definition)
    masked = masked_run(told.state, plan)
    shown = repr([masked, run_view(masked, plan), run_view(revealed_run(told.state, plan, told.clear), plan)])
    assert "ciphertext" not in shown
    assert shown.count(SSN) == 1


def test_a_run_of_a_playbook_without_encrypted_fields_shows_no_ciphertext_of_another_run() -> None:
    told = Story(playbook({}, {}))
    stolen = told.encrypted(SSN)
    told.started(context={"entity_id": stolen}, metadata={"deep": [stolen]}, initial_data={"name": stolen})
    told.completes(1, data={"name": [stolen]})
    plan = plan_of(told.definition)
    for seen in (masked_run(told.state, plan), revealed_run(told.state, plan, told.clear)):
        assert "ciphertext" not in repr(seen)
