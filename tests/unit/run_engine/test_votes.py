"""What always holds of votes, whoever casts them and in whatever order."""

import math
from fractions import Fraction
from itertools import permutations
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

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
