from contracts.commands import ReceiveEvent
from contracts.rejections import Code
from tests.unit.run_engine.story import ALICE, trial

PAID = ReceiveEvent(caller=ALICE, signal_id="s", name="payment_received", data={"paid": True})


def test_its_data_joins_the_runs_and_blocked_steps_look_again() -> None:
    story = trial({"conditions": {"pre": [{"field": "paid", "operator": "=", "value": True}]}})
    event = story.when(PAID).then("DataUpdated", "RunUnblocked", "StepStarted").event("DataUpdated")
    assert (event.update_type, event.event_name, event.fields_updated) == ("event", "payment_received", ["paid"])


def test_is_kept_without_data_as_well() -> None:
    trial({}).when(ReceiveEvent(caller=ALICE, signal_id="s", name="called")).then("DataUpdated")


def test_refuses_a_run_that_has_ended_and_an_event_without_a_name() -> None:
    trial({}).completes(1).when(PAID).refused(Code.INVALID_STATE, "payment_received")
    trial({}).when(PAID.model_copy(update={"name": " "})).refused(Code.VALIDATION_ERROR)
