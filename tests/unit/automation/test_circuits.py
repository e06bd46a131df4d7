"""Circuit breakers, moved through time by hand."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.automation.domain.circuits import Circuits

NOON = datetime(2024, 1, 15, 12, tzinfo=UTC)
HALF_A_MINUTE = timedelta(seconds=30)
LANE, OTHER = "org_1 erp.example:443", "org_2 erp.example:443"


def after(*outcomes: bool) -> Circuits:
    """Circuits that open at the third failure, after calls that failed or not."""
    circuits = Circuits(3, HALF_A_MINUTE)
    for failed in outcomes:
        circuits.end(LANE, NOON, failed=failed, trial=circuits.begin(LANE, NOON))
    return circuits


def test_opens_at_so_many_failures_in_a_row() -> None:
    assert after(True, True).shut(NOON) == []
    assert after(True, True, False, True, True).shut(NOON) == []
    circuits = after(True, True, True)
    assert (circuits.shut(NOON), circuits.open_until(LANE), circuits.count_open()) == ([LANE], NOON + HALF_A_MINUTE, 1)


def test_another_organisation_calls_the_same_host_as_ever() -> None:
    circuits = after(True, True, True)
    assert OTHER not in circuits.shut(NOON)
    assert circuits.begin(OTHER, NOON) is False


def test_lets_one_call_through_when_its_time_is_over() -> None:
    circuits, later = after(True, True, True), NOON + HALF_A_MINUTE
    assert circuits.shut(later) == []
    assert circuits.begin(LANE, later) is True
    assert circuits.shut(later) == [LANE]
    assert circuits.begin(LANE, later) is False


def test_a_trial_that_succeeds_closes_it_and_forgets_its_failures() -> None:
    circuits, later = after(True, True, True), NOON + HALF_A_MINUTE
    assert circuits.end(LANE, later, failed=False, trial=circuits.begin(LANE, later)) == "closed"
    assert (circuits.shut(later), circuits.count_open()) == ([], 0)
    assert circuits.end(LANE, later, failed=True, trial=False) is None


def test_a_trial_that_fails_opens_it_anew() -> None:
    circuits, later = after(True, True, True), NOON + HALF_A_MINUTE
    assert circuits.end(LANE, later, failed=True, trial=circuits.begin(LANE, later)) == "opened"
    assert circuits.open_until(LANE) == later + HALF_A_MINUTE


def test_calls_from_before_it_opened_change_nothing() -> None:
    circuits = after(True, True, True)
    assert circuits.end(LANE, NOON, failed=False, trial=False) is None
    assert circuits.end(LANE, NOON + HALF_A_MINUTE / 2, failed=True, trial=False) is None
    assert circuits.open_until(LANE) == NOON + HALF_A_MINUTE


def test_a_trial_that_was_not_made_leaves_it_to_the_next_call() -> None:
    circuits, later = after(True, True, True), NOON + HALF_A_MINUTE
    circuits.abandon(LANE, trial=circuits.begin(LANE, later))
    assert circuits.shut(later) == []
    assert circuits.begin(LANE, later) is True


def test_ever_new_hosts_fill_no_memory() -> None:
    circuits = Circuits(1, HALF_A_MINUTE)
    for number in range(10_050):
        circuits.end(f"org_1 host-{number}:80", NOON, failed=True, trial=False)
    assert circuits.count_open() == 10_000
    assert circuits.open_until("org_1 host-10049:80") is not None


@given(st.lists(st.tuples(st.sampled_from([LANE, OTHER]), st.booleans(), st.integers(0, 40))))
def test_never_more_than_one_call_while_it_is_not_closed(calls: list[tuple[str, bool, int]]) -> None:
    circuits, now = Circuits(3, HALF_A_MINUTE), NOON
    for lane, failed, seconds in calls:
        now += timedelta(seconds=seconds)
        if lane in circuits.shut(now):
            continue
        trial = circuits.begin(lane, now)
        assert trial == (circuits.open_until(lane) is not None)
        assert not trial or lane in circuits.shut(now)
        circuits.end(lane, now, failed=failed, trial=trial)
