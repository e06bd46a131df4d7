"""Policies as they are put: what is wrong with them, told to the field."""

from typing import Any

import pytest

from contracts.policies import DEFAULT_POLICIES, POLICIES, ApprovalLimit, OrganizationPolicies, RoleLimit, RoleOrder
from contracts.rejections import Code, Rejection
from services.playbook_registry.organization.changes import checked

OWN = OrganizationPolicies(
    approval_limit=ApprovalLimit(
        limits=(RoleLimit(role="clerk", max_amount=10), RoleLimit(role="chief", max_amount=20))
    ),
    role_order=RoleOrder(roles=("clerk", "chief", "board")),
)


def wrong(kind: str, document: dict[str, Any], in_force: OrganizationPolicies = OWN) -> list[tuple[str, str]]:
    """Field and reason of all that is wrong."""
    outcome = checked(kind, document, in_force)
    assert isinstance(outcome, Rejection), outcome
    assert outcome.code == Code.VALIDATION_ERROR
    found = outcome.details.get("errors", [outcome.details])
    return [(fault["field"], fault["reason"]) for fault in found]


@pytest.mark.parametrize("kind", POLICIES)
def test_each_default_is_sound_and_comes_back_as_it_is(kind: str) -> None:
    default = getattr(DEFAULT_POLICIES, kind)
    assert checked(kind, default.model_dump(mode="json"), DEFAULT_POLICIES) == default
    assert checked(kind, {}, DEFAULT_POLICIES) == default


def test_an_unknown_policy_is_not_found() -> None:
    outcome = checked("approval_limits", {}, OWN)
    assert isinstance(outcome, Rejection)
    assert (outcome.code, outcome.details["known"]) == (Code.NOT_FOUND, list(POLICIES))


RULE = {"type": "four_eyes", "name": "r", "steps": [{"step_type": "approval"}]}


@pytest.mark.parametrize(
    ("kind", "document", "field"),
    [
        ("financial_controls", {"auto_approve_limit": "100"}, "document.auto_approve_limit"),
        ("financial_controls", {"auto_approve_limit": -1}, "document.auto_approve_limit"),
        ("financial_controls", {"auto_aprove_limit": 1}, "document.auto_aprove_limit"),
        ("approval_limit", {"limits": [{"role": "clerk"}]}, "document.limits[0].max_amount"),
        ("approval_limit", {"field": "", "limits": []}, "document.field"),
        ("approval_limit", {"limits": [{"role": "boss", "max_amount": 1}]}, "document.limits[0].role"),
        ("notifications", {"role_contacts": [{"role": "clerk"}]}, "document.role_contacts[0].contacts"),
        ("notifications", {"role_contacts": [{"role": "clerk", "contacts": []}]}, "document.role_contacts[0].contacts"),
        ("notifications", {"role_contacts": [{"role": "clerk", "contacts": ["ann", "a@@b"]}]},
         "document.role_contacts[0].contacts[1]"),
        ("notifications", {"role_contacts": [{"role": "clerk", "contacts": ["ann", "bob", "ann"]}]},
         "document.role_contacts[0].contacts[2]"),
        ("notifications", {"role_contacts": [{"role": "clerk", "contacts": ["ann"]}] * 2},
         "document.role_contacts[1].role"),
        ("notifications", {"role_contacts": [{"role": "clerk", "contacts": [f"u{n}" for n in range(51)]}]},
         "document.role_contacts[0].contacts"),
        ("role_order", {"roles": ["clerk", "chief", "clerk"]}, "document.roles[2]"),
        ("role_order", {"roles": ["clerk"]}, "document.roles"),
        ("role_order", {"roles": ["chief", "clerk"]}, "document.roles"),
        ("role_order", {"roles": ["clerk", "chief"], "higher_may_act": [{"stepname": "x"}]},
         "document.higher_may_act[0].stepname"),
        ("segregation_of_duties", {"rules": [{**RULE, "type": "two_eyes"}]}, "document.rules[0].type"),
        ("segregation_of_duties", {"rules": [RULE]}, "document.rules[0]"),
        ("segregation_of_duties", {"rules": [{**RULE, "run_starter": True, "steps": []}]}, "document.rules[0].steps"),
        ("segregation_of_duties", {"rules": [{**RULE, "run_starter": True, "steps": [{"step_type": "form!"}]}]},
         "document.rules[0].steps[0].step_type"),
        ("segregation_of_duties", {"rules": [{**RULE, "run_starter": True}] * 2}, "document.rules[1].name"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(kind: str, document: dict[str, Any], field: str) -> None:
    assert [found for found, _ in wrong(kind, document)] == [field]


def test_the_field_that_tells_rules_apart_is_named_and_what_it_may_be() -> None:
    (missing,) = wrong("segregation_of_duties", {"rules": [{"name": "n", "steps": [{"name": "A"}]}]})
    assert missing == ("document.rules[0].type", "Field required")
    (unknown,) = wrong("segregation_of_duties", {"rules": [{"type": "two_eyes", "name": "n", "steps": []}]})
    assert unknown == ("document.rules[0].type", "Input should be one of 'separate_steps', 'four_eyes'")


def test_a_higher_role_may_not_approve_less_than_a_lower_one() -> None:
    limits = [{"role": "chief", "max_amount": 5}, {"role": "clerk", "max_amount": 10}]
    [(field, reason)] = wrong("approval_limit", {"limits": limits})
    assert (field, reason) == (
        "document.limits[0].max_amount",
        "chief stands above clerk, whose limit is higher: 10",
    )


def test_all_that_is_wrong_is_told_at_once() -> None:
    limits = [{"role": "boss", "max_amount": 1}, {"role": "clerk", "max_amount": 2}, {"role": "clerk", "max_amount": 2}]
    assert [field for field, _ in wrong("approval_limit", {"limits": limits})] == [
        "document.limits[2].role", "document.limits[0].role",
    ]  # fmt: skip


def test_an_order_without_a_role_that_has_a_limit_says_what_comes_first() -> None:
    [(_, reason)] = wrong("role_order", {"roles": ["board"]})
    assert reason == "The policy approval_limit names clerk, chief; change that first, or keep them in the order"
