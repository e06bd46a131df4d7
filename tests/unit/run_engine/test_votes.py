"""What always holds of votes, whoever casts them and in whatever order."""

import math
from fractions import Fraction
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.commands import ClaimStep
from contracts.rejections import Code
from services.run_engine.domain.acting import may_complete
from services.run_engine.domain.approvals import Quorum, quorum
from services.run_engine.domain.state import Vote
from services.run_engine.domain.views import completion_view, revealed_run
from tests.unit.run_engine.story import ALICE, NOON, Story, somebody, trial

words = st.sampled_from(["approve", "reject"])
thresholds = st.integers(1, 100).map(lambda percent: percent / 100)


def committee(threshold: float, size: int) -> Story:
    metadata = {"voting_threshold": threshold, "committee_size": size}
    return trial({"step_type": "approval", "assignee_roles": ["board"], "metadata": metadata})


def cast(story: Story, votes: list[tuple[str, str]]) -> int:
    """Votes until it is decided; gives how many that took."""
    for number, (name, word) in enumerate(votes, 1):
        story.completes(1, somebody(name, "board"), outcome=word)
        if story.state.ended_at is not None:
            return number
    return len(votes)


@settings(max_examples=60)
@given(thresholds, st.integers(1, 9), st.data())
def test_any_order_of_the_same_votes_gives_the_same_outcome(threshold: float, size: int, data: st.DataObject) -> None:
    ballots = [(f"m{n}", data.draw(words)) for n in range(data.draw(st.integers(1, size)))]
    shuffled = data.draw(st.permutations(ballots))
    outcomes = []
    for order in (ballots, shuffled):
        story = committee(threshold, size)
        cast(story, order)
        outcomes.append((story.state.status, story.state.outcome))
    assert outcomes[0] == outcomes[1]


@settings(max_examples=60)
@given(thresholds, st.integers(1, 9), st.data())
def test_the_decision_comes_as_soon_as_it_is_certain_and_no_sooner(
    threshold: float, size: int, data: st.DataObject
) -> None:
    """Certain: whatever those who have not voted say."""
    needed = max(1, math.ceil(Fraction(str(threshold)) * size))
    ballots = [(f"m{n}", data.draw(words)) for n in range(size)]
    story = committee(threshold, size)
    taken = cast(story, ballots)
    for number in range(taken + 1):
        said = [word for _, word in ballots[:number]]
        best, worst = said.count("approve") + size - number, said.count("approve")
        assert (best < needed or worst >= needed) == (number == taken)
    total = [word for _, word in ballots].count("approve")
    assert story.state.outcome == ("success" if total >= needed else "rejected")


@settings(max_examples=60)
@given(st.lists(st.tuples(st.sampled_from(["a", "b", "c"]), words), min_size=1, max_size=12))
def test_a_user_has_one_vote_the_last_one(ballots: list[tuple[str, str]]) -> None:
    story = committee(1.0, 4)  # three of four never approve it, and one rejection ends it
    taken = cast(story, ballots)
    last = dict(ballots[:taken])
    assert {vote.user: vote.vote for vote in story.step(1).approvals} == last
    assert (story.state.status == "completed") == ("reject" in last.values())


def test_a_vote_that_was_changed_brings_nothing_of_what_it_said_before() -> None:
    """Neither its data nor its documents count for the form of the later one, nor go into the run."""
    form = {"form_fields": [{"name": "note", "type": "text", "required": True}], "required_documents": ["minutes"]}
    board = {"step_type": "approval", "assignee_roles": ["board"],
             "metadata": {"voting_threshold": 1, "committee_size": 1, **form}}  # fmt: skip
    both = {"step_type": "approval", "assignee_roles": ["board"],
            "metadata": {"voting_threshold": 0.5, "committee_size": 3, **form}}  # fmt: skip
    minutes = {"name": "minutes.pdf", "url": "https://files.example/1"}
    story = trial(both).completes(
        1, somebody("a", "board"), outcome="reject", data={"note": "no"}, attachments=[minutes]
    )
    story.completes(1, somebody("a", "board"), outcome="approve")
    assert [found["rule"] for found in story.violations()] == ["form_field", "required_documents"]
    story.completes(1, somebody("b", "board"), outcome="approve", data={"note": "yes"})
    story.completes(1, somebody("a", "board"), outcome="approve", attachments=[minutes])
    assert (story.state.data["note"], len(story.step(1).attachments)) == ("yes", 1)
    assert trial(board).completes(1, somebody("a", "board"), outcome="approve").violations()


def test_an_amount_that_an_earlier_vote_brought_bounds_the_later_ones() -> None:
    board = {"step_type": "approval", "assignee_roles": ["cfo", "sales_manager"],
             "metadata": {"voting_threshold": 1, "committee_size": 2}}  # fmt: skip
    story = trial(board).completes(1, somebody("c", "cfo"), outcome="approve", data={"approval_amount": 1_500_000})
    story.completes(1, somebody("m", "sales_manager"), outcome="approve")
    assert story.violations()[0]["required_role"] == "cfo"
    story.completes(1, somebody("d", "cfo"), outcome="approve").then(
        "ApprovalRecorded", "StepCompleted", "RunCompleted"
    )


LEADS = [{"action": "accept", "next_step": 3}, {"action": "decline", "end_playbook": True}]


@settings(max_examples=40)
@given(st.permutations(["accept", "success", "approve", "decline", "failure"]))
def test_where_a_vote_leads_does_not_depend_on_who_says_it_last_nor_how(words: list[str]) -> None:
    """Three of five: whichever of the approving words comes last."""
    metadata = {"voting_threshold": 0.6, "committee_size": 5, "approval_options": LEADS}
    story = trial({"step_type": "approval", "assignee_roles": ["board"], "metadata": metadata}, {}, {})
    for number, word in enumerate(words):
        if story.step(1).status == "in_progress":
            story.completes(1, somebody(f"m{number}", "board"), outcome="accept" if word == "approve" else word)
    assert story.statuses() == ["completed", "skipped", "in_progress"]


def test_a_vote_assigns_steps_that_follow_whether_it_decides_or_not() -> None:
    board = {"step_type": "approval", "assignee_roles": ["board"],
             "metadata": {"voting_threshold": 1, "committee_size": 2}}  # fmt: skip
    story = trial(board, {"assignee_roles": ["r"]}, {"assignee_roles": ["r"]})
    story.completes(1, somebody("a", "board"), outcome="approve", next_step_assignments={"step_002": ["ann"]})
    story.then("ApprovalRecorded", "StepAssigned")
    story.completes(1, somebody("b", "board"), outcome="approve", next_step_assignments={"step_003": ["ben"]})
    story.then("ApprovalRecorded", "StepCompleted", "StepStarted")
    assert (story.step(2).assigned_to, story.step(3).assigned_to) == ("ann", "ben")


def test_who_is_asked_by_the_matrix_may_act_also_where_the_step_does_not_name_their_role() -> None:
    step = {
        "step_type": "approval",
        "assignee_roles": ["clerk"],
        "metadata": {"approval_matrix": {"over_5": ["chief"]}},
    }
    story = trial(step)
    assert story.step(1).assignee_roles == ("clerk", "chief")
    story.completes(1, somebody("c", "clerk"), outcome="approve").refused(Code.FORBIDDEN, "needs the approval of chief")
    story.completes(1, somebody("d", "chief"), outcome="approve").then(
        "ApprovalRecorded", "StepCompleted", "RunCompleted"
    )


def test_the_first_step_of_a_run_is_not_its_starters_alone_where_several_vote() -> None:
    step = {"step_type": "approval", "metadata": {"voting_threshold": 1, "committee_size": 2}}
    story = trial(step)
    assert story.step(1).assigned_to is None
    for voter in ("a", "b"):
        story.completes(1, somebody(voter), outcome="approve")
    assert story.state.outcome == "success"


@pytest.mark.parametrize(
    "pre",
    [
        [{"field": "amount", "operator": ">=", "value": 1}],
        [{"operator": "and", "conditions": [{"field": "who", "operator": "=", "value": "x"},
                                            {"field": "amount", "operator": "<", "value": 10**9}]}],
        [{"field": "amount", "operator": "between", "value": [0, 10**9]}],
    ],
)  # fmt: skip
def test_the_amount_is_that_of_the_numeric_pre_condition_wherever_it_stands(pre: list[dict[str, Any]]) -> None:
    bands = {"under_100k": ["a"], "over_100k": ["b"]}
    step = {"step_type": "approval", "metadata": {"approval_matrix": bands}, "conditions": {"pre": pre}}
    story = trial(step, start={"initial_data": {"amount": 99_999, "who": "x"}})
    story.completes(1, somebody("u", "a"), outcome="approve").then("ApprovalRecorded", "StepCompleted", "RunCompleted")


def test_who_has_no_voice_in_the_matrix_is_not_told_that_they_may_and_claims_nothing() -> None:
    asks = {"approval_matrix": {"over_5": ["chief"]}}
    step = {"step_type": "approval", "assignee_roles": ["clerk"], "metadata": asks}
    clerk, chief = somebody("c", "clerk"), somebody("d", "chief")
    story = trial(step)
    assert [may_complete(who, story.state, story.step(1), story.situation) for who in (clerk, chief)] == [False, True]
    refused = story.when(ClaimStep(caller=clerk, step_id="step_001")).refused(Code.FORBIDDEN, "the approval of chief")
    assert refused.details == {"step": "step_001", "required_roles": ["chief"], "current_roles": ["clerk"]}
    story.when(ClaimStep(caller=chief, step_id="step_001")).then("StepAssigned")
    sends_back = {"approval_options": [{"action": "back", "return_to_step": 1}]}
    story = trial({}, {**step, "metadata": {**asks, **sends_back}}).completes(1)
    assert may_complete(clerk, story.state, story.step(2), story.situation)
    story.completes(2, clerk, outcome="back").then("StepCompleted", "StepsReturned", "StepStarted")


@pytest.mark.parametrize("field", ["amount", "deal.amount"])
def test_an_encrypted_amount_asks_the_top_band_of_whoever_may_read_it_too(field: str) -> None:
    form = {"metadata": {"form_fields": [{"name": "amount", "type": "number", "encrypted": True}]}}
    bands = {"under_100": ["clerk"], "over_100": ["chief"]}
    step = {"step_type": "approval", "metadata": {"approval_matrix": bands, "amount_field": field}}
    story = trial(form, step)
    amount = story.encrypted(5, "amount")
    story.completes(1, data={"amount": amount, "deal": {"amount": amount}})
    for seen in (story.state, revealed_run(story.state, story.situation.plan, story.clear)):
        needed = quorum(story.situation.plan.by_id["step_002"], seen)
        assert needed is not None and needed.roles == ("chief",)


BANDS = {"under_100k": ["a"], "100k_to_500k": ["a", "b"], "500k_to_1.5m": ["b", "c"], "over_1.5m": ["a", "b", "c"]}
EDGES = [100_000, 500_000, 1_500_000]
ASKED = {100_000: ("a", "b"), 500_000: ("b", "c"), 1_500_000: ("a", "b", "c")}


def matrix(amount: Any) -> Story:
    step = {"step_type": "approval", "assignee_roles": ["a", "b", "c"],
            "metadata": {"approval_matrix": BANDS, "amount_field": "amount"}}  # fmt: skip
    return trial(step, start={"initial_data": {"amount": amount}})


def asked(amount: Any) -> tuple[str, ...]:
    """The roles that the matrix asks, found by asking each."""
    story = matrix(amount).completes(1, somebody("z", "none", permissions=("*",)), outcome="approve")
    roles: list[str] = story.refused("FORBIDDEN").details["required_roles"]  # type: ignore[arg-type]
    return tuple(roles)


@settings(max_examples=80)
@given(st.sampled_from(EDGES), st.sampled_from([-1, -0.01, 0, 0.01, 1]))
def test_an_edge_belongs_to_the_band_above_it(edge: int, beside: float) -> None:
    below = {100_000: ("a",), 500_000: ("a", "b"), 1_500_000: ("b", "c")}
    assert asked(edge + beside) == (ASKED[edge] if beside >= 0 else below[edge])


@settings(max_examples=60)
@given(st.one_of(st.integers(), st.floats(allow_nan=False), st.none(), st.text(), st.booleans()))
def test_every_amount_asks_somebody_and_what_is_none_asks_most(amount: Any) -> None:
    roles = asked(amount)
    assert roles in [tuple(band) for band in BANDS.values()]
    if isinstance(amount, bool) or not isinstance(amount, int | float) or math.isinf(amount):
        assert roles == ("a", "b", "c")


def test_a_matrix_is_decided_by_the_same_voices_in_any_order() -> None:
    for votes in ({"a": "approve", "b": "approve", "c": "approve"}, {"a": "approve", "b": "reject", "c": "approve"}):
        outcomes = set()
        for order in permutations(votes):
            story = matrix(2_000_000)
            for role in order:
                if story.state.ended_at is None:
                    story.completes(1, somebody(role, role), outcome=votes[role])
            outcomes.add(story.state.outcome)
        assert len(outcomes) == 1


def between(voters: dict[str, list[str]], band: list[str]) -> Story:
    """A matrix of one band; everybody approves, in this order, until it is decided."""
    step = {"step_type": "approval", "metadata": {"approval_matrix": {"over_0": band}}}
    story = trial(step)
    for name, roles in voters.items():
        if story.state.ended_at is None:
            story.completes(1, somebody(name, *roles), outcome="approve")
    return story


def test_one_person_who_holds_all_roles_of_a_band_approves_for_one_of_them() -> None:
    story = between({"boss": ["a", "b"]}, ["a", "b"])
    assert isinstance(story.answer, list)
    tally = completion_view(story.state, story.situation, "step_001", story.answer, ALICE)["approvals"]
    assert (tally["required"], tally["approved"], tally["missing_roles"]) == (2, 1, ["a", "b"])
    story.completes(1, somebody("boss", "a", "b"), outcome="approve").then("ApprovalRecorded")
    story.completes(1, somebody("ann", "a"), outcome="approve").then(
        "ApprovalRecorded", "StepCompleted", "RunCompleted"
    )


def test_a_role_that_is_named_twice_is_asked_once() -> None:
    assert between({"boss": ["a"]}, ["a", "a"]).state.status == "completed"


ROLES = ["a", "b", "c"]
holdings = st.lists(st.sets(st.sampled_from(ROLES), min_size=1), min_size=1, max_size=5)


@settings(max_examples=100)
@given(holdings, st.permutations(ROLES), st.data())
def test_a_matrix_is_decided_once_every_role_has_an_approval_of_another_person(
    held: list[set[str]], band: list[str], data: st.DataObject
) -> None:
    """As trying all ways to seat them says, whoever votes first."""
    voters = data.draw(st.permutations([(f"u{n}", sorted(roles)) for n, roles in enumerate(held)]))
    seated = [
        all(role in roles for role, (_, roles) in zip(band, seats, strict=True)) for seats in permutations(voters, 3)
    ]
    story = between(dict(voters), band)
    assert (story.state.status == "completed") == any(seated)


@settings(max_examples=100)
@given(holdings, st.sampled_from(ROLES))
def test_the_roles_that_are_missing_are_those_that_another_approval_would_still_bring_further(
    held: list[set[str]], role: str
) -> None:
    votes = [Vote(f"u{n}", "approve", tuple(roles), NOON) for n, roles in enumerate(held)]
    needed = Quorum(roles=tuple(ROLES))
    one_more = needed.approved([*votes, Vote("new", "approve", (role,), NOON)])
    assert (role in needed.missing_roles(votes)) == (one_more > needed.approved(votes))
