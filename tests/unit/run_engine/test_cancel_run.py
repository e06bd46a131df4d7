from contracts.commands import CancelRun, PauseRun
from contracts.rejections import Code
from tests.unit.run_engine.story import ALICE, trial

CANCEL = CancelRun(caller=ALICE, signal_id="s", reason="Lost", metadata={"cancellation_category": "customer_request"})


def test_cancels_what_is_open_and_leaves_what_has_ended() -> None:
    story = trial({}, {}, {}).completes(1).when(CANCEL).then("RunCancelled")
    assert (story.state.status, story.statuses()) == ("cancelled", ["completed", "cancelled", "pending"])


def test_cancels_a_paused_and_a_blocked_run() -> None:
    trial({}).when(PauseRun(caller=ALICE, signal_id="p")).when(CANCEL).then("RunCancelled")
    trial({"conditions": {"pre": [{"field": "x", "operator": "exists"}]}}).when(CANCEL).then("RunCancelled")


def test_takes_all_timers_away() -> None:
    assert trial({"timeout_minutes": 5}).when(CANCEL).state.timers == ()


def test_refuses_what_has_ended() -> None:
    trial({}).when(CANCEL).when(CANCEL).refused(Code.INVALID_STATE, "but it is cancelled")
