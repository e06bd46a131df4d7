from contracts.commands import RecordNotification
from contracts.rejections import Code
from contracts.values import SYSTEM_CALLER
from tests.unit.run_engine.story import trial

SENT = RecordNotification(caller=SYSTEM_CALLER, recipient="bob", notification_type="step_assignment", channel="email")


def test_is_kept_for_the_timeline() -> None:
    assert trial({}).when(SENT).then("NotificationSent").state.sequence == 3


def test_is_kept_after_the_runs_end_as_well() -> None:
    trial({}).completes(1).when(SENT).then("NotificationSent")


def test_one_that_was_given_up_is_no_sent_one() -> None:
    given_up = SENT.model_copy(update={"failure": "550 no such user"})
    assert trial({}).when(given_up).then("NotificationFailed").event("NotificationFailed").reason == "550 no such user"


def test_refuses_a_step_that_the_run_does_not_have() -> None:
    trial({}).when(SENT.model_copy(update={"step_id": "step_009"})).refused(Code.NOT_FOUND)
