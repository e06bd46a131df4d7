"""Breaches of a step's contract, as the public API tells them."""

from collections.abc import Collection
from typing import Any

from contracts.definitions import Condition
from contracts.encrypted import holds_encrypted
from contracts.rejections import Code, Rejection
from services.run_engine.domain.conditions import Facts, unmet
from services.run_engine.domain.sizes import shortened, written

_LISTED = 100
Violation = dict[str, Any]
"""`rule`, `condition`, `actual_value`, and what else the rule has to say."""


def violation(rule: str, condition: str, actual: Any, **more: Any) -> Violation:
    """An actual value that holds something encrypted is not told: nobody may copy it to where it might be opened."""
    told = None if holds_encrypted(actual) else shortened(actual)
    return {"rule": rule, "condition": condition, "actual_value": told, **more}


def contract_rejection(step_id: str, found: list[Violation], resolution: str) -> Rejection:
    """The first violation where the reference shows it, and all of them in `errors` where there are several: the first
    hundred, with `errors_total` where there are more."""
    details: dict[str, Any] = {"step": step_id, "contract_violation": found[0], "resolution": resolution}
    if len(found) > 1:
        details["errors"] = found[:_LISTED]
    if len(found) > _LISTED:
        details["errors_total"] = len(found)
    message = "Step completion violates contract conditions"
    return Rejection(code=Code.CONTRACT_VALIDATION_FAILED, message=message, details=details)


def post_conditions(conditions: list[Condition], facts: Facts, hidden: Collection[str]) -> list[Violation]:
    """Post-conditions that don't hold; values of fields in `hidden` are not told."""
    return [
        violation(
            "post_condition",
            _sentence(failing.condition),
            None if failing.condition.get("field") in hidden else failing.actual_value,
            field=failing.condition.get("field"),
            reason="It does not hold" if failing.condition.get("field") in hidden else failing.reason,
        )
        for failing in unmet(conditions, facts)
    ]


def _sentence(condition: dict[str, Any]) -> str:
    if "field" in condition:
        value = [written(condition["value"])] if "value" in condition else []
        return " ".join([condition["field"], str(condition.get("operator")), *value])
    if "step" in condition:
        return f"step {condition['step']} is {condition.get('status', 'completed')}"
    inner = f" {condition.get('operator')} ".join(_sentence(c) for c in condition.get("conditions", []))
    return f"({inner})"
