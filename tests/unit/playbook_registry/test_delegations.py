"""Delegations: what one must be, and who may end it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contracts.organization_documents import CreateDelegation, RevokeDelegation
from contracts.rejections import Code, Rejection
from contracts.values import Caller
from services.playbook_registry.domain.delegations import StoredDelegation, created, revoked

NOW = datetime(2024, 7, 1, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
ANN = Caller(id="ann", roles=("clerk", "boss"), permissions=("step:complete",))
BEN = Caller(id="ben", permissions=("step:complete",))
ROOT = Caller(id="root", permissions=("step:override",))


def create(caller: Caller = ANN, **over: Any) -> StoredDelegation | Rejection:
    given = {"delegator": "ann", "substitute": "ben", "ends_at": NOW + DAY, **over}
    command = CreateDelegation(caller=caller, delegation_id="dlg_1", organization_id="org_1", **given)
    return created(command, "cmd_1", None, NOW)


def made(caller: Caller = ANN, **over: Any) -> StoredDelegation:
    outcome = create(caller, **over)
    assert isinstance(outcome, StoredDelegation), outcome
    return outcome


def revoke(delegation: StoredDelegation, caller: Caller, after: timedelta = HOUR) -> StoredDelegation | Rejection:
    command = RevokeDelegation(caller=caller, delegation_id="dlg_1", organization_id="org_1")
    return revoked(delegation, command, "cmd_2", NOW + after)


def test_lends_what_the_delegators_token_holds_from_now_on() -> None:
    delegation = made()
    assert (delegation.delegator_roles, delegation.roles) == (("clerk", "boss"), None)
    assert (delegation.starts_at, delegation.status(NOW)) == (NOW, "in_force")
    assert delegation.status(NOW + DAY) == "ended"


def test_one_for_later_is_scheduled() -> None:
    assert made(starts_at=NOW + HOUR).status(NOW) == "scheduled"


@pytest.mark.parametrize(
    ("over", "field"),
    [
        ({"substitute": "ann"}, "delegation.substitute"),
        ({"ends_at": NOW}, "delegation.ends_at"),
        ({"starts_at": NOW + DAY}, "delegation.ends_at"),
        ({"ends_at": NOW + timedelta(days=367)}, "delegation.ends_at"),
        ({"roles": ("boss", "chief")}, "delegation.roles[1]"),
    ],
)
def test_what_makes_no_sense_is_refused(over: dict[str, Any], field: str) -> None:
    outcome = create(**over)
    assert isinstance(outcome, Rejection)
    assert (outcome.code, outcome.details["field"]) == (Code.VALIDATION_ERROR, field)


def test_only_who_may_override_delegates_for_others_and_lends_only_what_they_name() -> None:
    outcome = create(BEN, substitute="carl")
    assert isinstance(outcome, Rejection)
    assert outcome.code == Code.FORBIDDEN
    by_root = made(ROOT, roles=("chief",))
    assert (by_root.roles, by_root.delegator_roles, by_root.created_by) == (("chief",), (), "root")


@pytest.mark.parametrize("caller", [ANN, ROOT])
def test_a_revocation_ends_it_at_once(caller: Caller) -> None:
    after = revoke(made(), caller)
    assert isinstance(after, StoredDelegation)
    assert (after.ends_at, after.revoked_by, after.revision) == (NOW + HOUR, caller.id, 2)
    assert after.status(NOW + HOUR) == "revoked"
    again = revoke(after, caller)
    assert isinstance(again, Rejection)
    assert (again.code, again.details["current_status"]) == (Code.INVALID_STATE, "revoked")


def test_neither_the_substitute_nor_an_ended_one_is_revoked() -> None:
    by_ben, too_late = revoke(made(), BEN), revoke(made(), ANN, 2 * DAY)
    assert isinstance(by_ben, Rejection)
    assert isinstance(too_late, Rejection)
    assert (by_ben.code, too_late.details["current_status"]) == (Code.FORBIDDEN, "ended")
