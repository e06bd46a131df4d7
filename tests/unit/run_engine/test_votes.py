"""What always holds of votes, whoever casts them and in whatever order."""

import math
from fractions import Fraction
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.rejections import Code
from tests.unit.run_engine.story import Story, somebody, trial

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
