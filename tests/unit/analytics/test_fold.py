"""Events into a summary: each once, in order, whatever order they come in."""

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts import events
from contracts.events import RUN_EVENTS, Event
from contracts.values import SYSTEM
from services.analytics.domain.fold import EFFECTS, MAX_HELD, fold
from services.analytics.domain.summary import new_summary, outcome_of
from tests.unit.analytics.runs import (
    at,
    completed,
    created,
    folded,
    returned,
    run_cancelled,
    run_completed,
    started,
    summed,
)  # fmt: skip
from tests.unit.timeline.events import sample

STORY: list[Event] = [
    created(), started(1), completed(1), started(2), returned(1), started(1, attempt=2), completed(1, 10), started(2),
    sample(events.RunPaused), sample(events.RunResumed, paused_seconds=3600.0), completed(2, user="manager"),
    run_completed(5),
]  # fmt: skip


def test_every_registered_event_has_its_effect() -> None:
    assert set(EFFECTS) == set(RUN_EVENTS)


@pytest.mark.parametrize("kind", RUN_EVENTS, ids=lambda kind: kind.__name__)
def test_an_event_is_counted_and_leaves_the_summary_before_it_alone(kind: type[Event]) -> None:
    before = summed(created(), started(1))
    kept = copy.deepcopy(before)
    assert fold(before, 3, sample(kind))["sequence"] == 3
    assert before == kept


def test_sums_up_a_run() -> None:
    run = summed(*STORY)
    assert (run["status"], run["outcome"], run["sequence"], run["paused_seconds"]) == ("completed", "success", 12, 3600)
    assert (run["ended_at"], run["duration_minutes"], run["sla_met"]) == (at(5), 300, True)
    first, second = run["steps"]["step_001"], run["steps"]["step_002"]
    assert (first["executions"], first["completed"], first["minutes"]) == (2, 2, 40)
    assert (second["executions"], second["completed"], second["minutes"]) == (2, 1, 30)


def test_what_was_returned_was_not_right_the_first_time_and_what_lay_between_was() -> None:
    run = summed(created(), completed(1), completed(2), returned(1), completed(1), completed(2))
    assert [(c["step_id"], c["right"]) for c in run["completions"]] == [
        ("step_001", False), ("step_002", True), ("step_001", False), ("step_002", True),
    ]  # fmt: skip


def test_a_breached_sla_and_a_retry_are_not_right_and_machines_are_nobody() -> None:
    retried = sample(events.StepRetried, step_id="step_002")
    late, machine = completed(1, sla_breached=True), completed(3, actor=SYSTEM)
    run = summed(created(), late, started(2), retried, completed(2), machine)
    assert [(c["step_id"], c["right"]) for c in run["completions"]] == [("step_001", False), ("step_002", False)]


@pytest.mark.parametrize(
    ("last", "outcome"),
    [
        ([], "in_progress"),
        ([sample(events.RunPaused)], "in_progress"),
        ([sample(events.RunBlocked)], "in_progress"),
        ([run_completed()], "successful_completion"),
        ([run_completed(outcome="rejected")], "rejected"),
        ([sample(events.RunFailed)], "failed_technical"),
        ([sample(events.RunFailed), sample(events.RunReopened)], "in_progress"),
        ([run_cancelled(cancellation_category="lost_to_competitor")], "cancelled_by_customer"),
        ([run_cancelled(customer_request=True)], "cancelled_by_customer"),
        ([run_cancelled(customer_request=False, cancellation_category="budget")], "cancelled_internal"),
        ([run_cancelled(cancellation_category="reorganisation")], "cancelled_internal"),
        ([run_cancelled()], "cancelled_internal"),
    ],
)
def test_each_run_has_one_outcome(last: list[Event], outcome: str) -> None:
    assert outcome_of(summed(created(), *last)) == outcome


@given(st.permutations(list(enumerate(STORY, 1))), st.lists(st.integers(0, len(STORY) - 1), max_size=20))
def test_comes_to_the_same_in_any_order_and_with_any_repeats(
    shuffled: list[tuple[int, Event]], repeats: list[int]
) -> None:
    again = [shuffled[index] for index in repeats]
    for position, event in zip(repeats, again, strict=True):
        shuffled = [*shuffled[:position], event, *shuffled[position:]]
    assert folded(shuffled) == summed(*STORY)


def test_a_repeat_is_nothing_new() -> None:
    run = summed(*STORY)
    assert fold(run, 3, STORY[2]) is run
    waiting = fold(new_summary("org_1", "run_1"), 5, STORY[4])
    assert fold(waiting, 5, STORY[4]) is waiting


def test_waits_for_what_is_missing() -> None:
    waiting = folded([(1, STORY[0]), (3, STORY[2]), (4, STORY[3])])
    assert (waiting["sequence"], len(waiting["held"]), waiting["steps"]) == (1, 2, {})
    assert fold(waiting, 2, STORY[1])["sequence"] == 4


def test_gives_up_a_gap_that_is_never_filled_and_says_so() -> None:
    update = sample(events.DataUpdated)
    late = [(n, update) for n in range(3, MAX_HELD + 3)]
    waiting = folded([(1, STORY[0]), *late])
    assert (waiting["sequence"], waiting["incomplete"]) == (1, False)
    went_on = fold(waiting, MAX_HELD + 3, run_completed())
    assert (went_on["sequence"], went_on["held"], went_on["incomplete"]) == (MAX_HELD + 3, [], True)
    assert went_on["status"] == "completed"
