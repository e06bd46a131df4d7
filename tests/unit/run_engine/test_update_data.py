from contracts.commands import PauseRun, ResumeRun, UpdateData
from contracts.rejections import Code
from tests.unit.run_engine.story import ALICE, trial

WAITS = {"conditions": {"pre": [{"field": "paid", "operator": "=", "value": True}]}}
PAID = UpdateData(caller=ALICE, data={"paid": True})


def test_merges_the_data_and_names_the_fields() -> None:
    event = trial({}, start={"initial_data": {"a": 1}}).when(PAID).then("DataUpdated").event("DataUpdated")
    assert (event.fields_updated, event.update_type, event.step_sequence) == (["paid"], "manual", 1)


def test_lets_a_blocked_step_look_again() -> None:
    story = trial({}, WAITS).completes(1).then("StepCompleted", "StepBlocked", "RunBlocked")
    story.when(PAID).then("DataUpdated", "RunUnblocked", "StepStarted")


def test_a_blocked_step_that_stays_blocked_says_why_anew() -> None:
    story = trial({}, WAITS).completes(1).when(UpdateData(caller=ALICE, data={"paid": False}))
    assert story.then("DataUpdated", "StepBlocked").event("StepBlocked").unmet[0].actual_value is False


def test_during_a_pause_the_data_changes_and_steps_look_again_at_resume() -> None:
    story = trial({}, WAITS).completes(1).when(PauseRun(caller=ALICE, signal_id="s")).when(PAID).then("DataUpdated")
    story.when(ResumeRun(caller=ALICE, signal_id="s")).then("RunResumed", "StepStarted")


def test_changes_nothing_where_nothing_is_sent() -> None:
    trial({}).when(UpdateData(caller=ALICE, data={})).then()


def test_refuses_a_run_that_has_ended() -> None:
    trial({}).completes(1).when(PAID).refused(Code.INVALID_STATE, "but it is completed")


def test_changes_the_priority() -> None:
    story = trial({}).when(UpdateData(caller=ALICE, data={}, priority="high")).then("DataUpdated")
    assert (story.state.priority, story.event("DataUpdated").fields_updated) == ("high", ["priority"])


def test_changes_a_run_only_at_the_version_that_was_seen() -> None:
    story = trial({})
    seen = f'"{story.state.sequence}"'
    story.when(PAID.model_copy(update={"if_match": seen})).then("DataUpdated")
    refused = story.when(PAID.model_copy(update={"if_match": seen})).refused(Code.CONFLICT)
    assert refused.details["current"] == f'"{story.state.sequence}"'
    story.when(PAID.model_copy(update={"if_match": "*"})).then("DataUpdated")
