"""Who is told of a step: each person once, and nobody of what they did themselves."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.events import (
    AutomationFellBack,
    Event,
    ReminderDue,
    StepAssigned,
    StepEscalated,
    StepOffered,
    StepOverdue,
    StepReleased,
    StepStarted,
)
from contracts.policies import Delegation
from contracts.values import SYSTEM
from services.notifier.domain.audience import Directory, of_step
from services.notifier.domain.notices import Notice, Source, StartedRun

AT = datetime(2024, 1, 15, 11, tzinfo=UTC)
SOURCE = Source("run_1", 7, "org_1")
STEP = {"at": AT, "actor": SYSTEM, "step_id": "step_002", "sequence": 2, "step_name": "Review"}
START = {"step_type": "approval", "attempt": 1, "execution_mode": "manual", "due_at": AT + timedelta(hours=4)}
NOBODY_KNOWN = Directory()
FINANCE = Directory(contacts={"finance": ("fay", "finance@acme.example"), "cfo": ("carl",)})


def event(kind: type[Event], **fields: Any) -> Event:
    return kind.model_validate(STEP | (START if kind is StepStarted else {}) | fields)


def overdue(**open_to: Any) -> Event:
    return event(StepOverdue, due_at=AT, timer_id="overdue:step_002:1", open_to=open_to)


def told(happened: Event, directory: Directory = NOBODY_KNOWN, domain: str | None = None) -> list[Notice]:
    return of_step(SOURCE, happened, StartedRun("run_1", None, "Onboarding"), directory, domain)


def people(happened: Event, directory: Directory = NOBODY_KNOWN, domain: str | None = None) -> list[str]:
    return [notice.recipient for notice in told(happened, directory, domain)]


def away(delegator: str, substitute: str, roles: tuple[str, ...] | None = None, **over: Any) -> Delegation:
    begins, ends = AT - timedelta(days=1), AT + timedelta(days=1)
    return Delegation.model_validate(
        {"delegator": delegator, "substitute": substitute, "roles": roles, "starts_at": begins, "ends_at": ends} | over
    )


def standing_in(*delegations: Delegation) -> Directory:
    return Directory(contacts=FINANCE.contacts, delegations=delegations)


def test_the_assignee_is_told_until_when() -> None:
    (notice,) = told(event(StepStarted, assigned_to="ann", candidates=["bob"], assignee_roles=["finance"]), FINANCE)
    assert (notice.recipient, notice.type, notice.due_at) == ("ann", "step_assignment", AT + timedelta(hours=4))
    assert (notice.run_id, notice.sequence, notice.step_id, notice.role) == ("run_1", 7, "step_002", None)
    assert notice.playbook_name == "Onboarding"


def test_all_candidates_are_told_that_the_step_is_open_to_them() -> None:
    started = event(StepStarted, candidates=["ann", "bob", "ann"], assignee_roles=["finance"])
    assert people(started, FINANCE) == ["ann", "bob"]
    assert {notice.type for notice in told(started)} == {"step_offer"}
    offered = event(StepOffered, candidates=["ann", "bob"], open_to={"candidates": ["ann", "bob"]})
    assert people(offered) == ["ann", "bob"]


def test_holders_of_a_role_are_told_where_nobody_is_named() -> None:
    found = told(event(StepStarted, assignee_roles=["clerk", "finance"]), FINANCE)
    assert [(notice.recipient, notice.role, notice.type) for notice in found] == [
        ("fay", "finance", "step_offer"), ("finance@acme.example", "finance", "step_offer"),
    ]  # fmt: skip
    assert told(event(StepStarted, assignee_roles=["clerk"]), FINANCE) == []


def test_nobody_is_told_of_a_machines_step_before_it_falls_to_people() -> None:
    assert told(event(StepStarted, execution_mode="automated", assignee_roles=["finance"]), FINANCE) == []
    fell = event(AutomationFellBack, reason="no answer", open_to={"assignee_roles": ["cfo"]})
    assert [(n.recipient, n.type, n.reason) for n in told(fell, FINANCE)] == [("carl", "step_offer", "no answer")]


def test_who_does_it_is_not_told() -> None:
    ann = {"actor": {"id": "ann"}}
    assert people(event(StepStarted, candidates=["ann", "bob"], **ann)) == ["bob"]
    assert people(event(StepAssigned, assigned_to="bob", **ann)) == ["bob"]
    assert people(event(StepStarted, assigned_to="ann", **ann)) == []


def test_who_brought_it_about_is_not_told_though_the_system_did_it() -> None:
    assert people(event(StepStarted, candidates=["ann", "bob"], caused_by="ann")) == ["bob"]
    directory = standing_in(away("ann", "sue"))
    assert people(event(StepStarted, assigned_to="ann", caused_by="ann"), directory) == ["sue"]


def test_what_is_late_already_is_not_due_soon() -> None:
    soon = event(ReminderDue, due_at=AT + timedelta(seconds=1), timer_id="t", assigned_to="ann")
    assert people(soon) == ["ann"]
    assert people(soon.model_copy(update={"due_at": AT})) == []


def test_a_step_that_its_assignee_has_just_claimed_is_news_to_nobody() -> None:
    claimed = event(StepAssigned, assigned_to="ann", actor={"id": "ann"}, open_to={"assigned_to": "ann"})
    assert told(claimed, standing_in(away("ann", "sue"))) == []


def test_a_step_that_is_given_back_is_told_to_all_to_whom_it_is_open_again() -> None:
    back = event(StepReleased, previous="ann", actor={"id": "ann"}, open_to={"candidates": ["ann", "bob", "cat"]})
    assert people(back) == ["bob", "cat"]
    to_role = event(StepReleased, previous="ann", actor={"id": "ann"}, open_to={"assignee_roles": ["cfo"]})
    assert people(to_role, FINANCE) == ["carl"]


def test_an_escalation_tells_who_has_the_step_and_the_roles_that_it_adds() -> None:
    by_clock = event(
        StepEscalated, roles_added=["cfo"], open_to={"assigned_to": "ann", "assignee_roles": ["finance", "cfo"]}
    )
    assert people(by_clock, FINANCE) == ["ann", "carl"]
    to_somebody = event(StepEscalated, assigned_to="dan", open_to={"assigned_to": "dan"})
    assert people(to_somebody, FINANCE) == ["dan"]
    to_roles = event(StepEscalated, roles_added=["cfo"], open_to={"assignee_roles": ["finance", "cfo"]})
    assert people(to_roles, FINANCE) == ["carl", "fay", "finance@acme.example"]


@pytest.mark.parametrize("kind", [StepOverdue, ReminderDue])
def test_who_has_voted_is_not_asked_again(kind: type[Event]) -> None:
    voted = {"candidates": ["ann", "bob", "cat"], "voted": ["bob"]}
    late = event(kind, due_at=AT + timedelta(hours=1), timer_id="t", open_to=voted)
    assert people(late, standing_in(away("bob", "sue"), away("cat", "sam"))) == ["ann", "cat", "sam"]


def test_a_substitute_is_told_in_whose_place() -> None:
    (own, sub) = told(event(StepStarted, assigned_to="ann"), standing_in(away("ann", "sue")))
    assert (own.recipient, own.on_behalf_of) == ("ann", None)
    assert (sub.recipient, sub.on_behalf_of, sub.type) == ("sue", "ann", "step_assignment")


def test_a_substitute_is_told_of_what_their_delegator_has_just_brought_about() -> None:
    started = event(StepStarted, assigned_to="ann", actor={"id": "ann"})
    assert people(started, standing_in(away("ann", "sue"))) == ["sue"]
    assert people(started, standing_in(away("ann", "ann2"), away("bob", "sue"))) == ["ann2"]


def test_a_delegation_counts_while_it_is_in_force() -> None:
    directory = standing_in(
        away("ann", "sue", ends_at=AT), away("ann", "sam", starts_at=AT + timedelta(seconds=1)),
        away("ann", "pat", starts_at=AT),
    )  # fmt: skip
    assert people(overdue(assigned_to="ann"), directory) == ["ann", "pat"]


def test_a_delegation_for_named_roles_lends_only_steps_that_ask_for_them() -> None:
    directory = standing_in(away("ann", "sue", roles=("cfo",)))
    assert people(event(StepStarted, assigned_to="ann", assignee_roles=["finance"]), directory) == ["ann"]
    assert people(event(StepStarted, assigned_to="ann", assignee_roles=["cfo"]), directory) == ["ann", "sue"]


def test_who_stands_in_for_a_holder_of_the_role_is_told() -> None:
    by_role = standing_in(away("ann", "sue", roles=("legal",)), away("dan", "sam", delegator_roles=("finance",)))
    assert people(event(StepStarted, assignee_roles=["legal"]), by_role) == ["sue"]
    assert people(event(StepStarted, assignee_roles=["finance"]), by_role) == ["fay", "finance@acme.example", "sam"]
    of_contact = standing_in(away("carl", "sue"))
    assert people(event(StepStarted, assignee_roles=["cfo"]), of_contact) == ["carl", "sue"]


def test_one_person_under_two_names_is_told_once_in_their_own_right() -> None:
    directory = Directory(
        contacts={"cfo": ("Ann@acme.example", "ann", "bob")}, delegations=(away("bob", "ann"), away("ann", "bob"))
    )
    found = told(event(StepStarted, assignee_roles=["cfo"]), directory, "acme.example")
    assert [(notice.recipient, notice.on_behalf_of) for notice in found] == [("Ann@acme.example", None), ("bob", None)]
    by_ann = event(StepStarted, assignee_roles=["cfo"], actor={"id": "ann"})
    assert people(by_ann, directory, "acme.example") == ["bob"]


def test_older_events_tell_whom_they_name() -> None:
    assert people(event(StepAssigned, assigned_to="ann")) == ["ann"]
    assert people(event(StepEscalated, assigned_to="dan", roles_added=["cfo"]), FINANCE) == ["dan", "carl"]
    assert people(event(ReminderDue, due_at=AT + timedelta(hours=1), timer_id="t", candidates=["ann", "bob"])) == [
        "ann",
        "bob",
    ]
    assert people(event(StepOverdue, due_at=AT, timer_id="t")) == []


USERS = st.sampled_from(["ann", "bob", "cat", "dan"])
OPEN_TO = st.fixed_dictionaries({
    "assigned_to": st.none() | USERS, "candidates": st.lists(USERS, max_size=4),
    "assignee_roles": st.lists(st.sampled_from(["finance", "cfo"]), max_size=2), "voted": st.lists(USERS, max_size=2),
})  # fmt: skip
AWAY = st.lists(st.builds(away, USERS, USERS, st.none() | st.just(("cfo",))), max_size=4)


@given(open_to=OPEN_TO, delegations=AWAY, actor=USERS, contacts=st.dictionaries(
    st.sampled_from(["finance", "cfo"]), st.lists(USERS, min_size=1, max_size=3)
))  # fmt: skip
def test_whatever_is_known_each_person_is_told_once_and_neither_the_actor_nor_a_voter(
    open_to: dict[str, Any], delegations: list[Delegation], actor: str, contacts: dict[str, list[str]]
) -> None:
    late = event(StepOverdue, due_at=AT, timer_id="t", open_to=open_to, actor={"id": actor})
    directory = Directory(contacts=contacts, delegations=delegations)
    found = people(late, directory)
    assert len(found) == len(set(found))
    assert set(found).isdisjoint({actor, *open_to["voted"]})
    named = {open_to["assigned_to"]} if open_to["assigned_to"] else set(open_to["candidates"])
    assert named - {actor, *open_to["voted"]} <= set(found)
