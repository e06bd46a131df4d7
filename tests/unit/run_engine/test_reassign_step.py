from contracts.commands import PauseRun, ReassignStep
from contracts.rejections import Code
from tests.unit.run_engine.story import ALICE, somebody, trial

TO_BOB = ReassignStep(caller=ALICE, signal_id="s", assignee="bob")


def test_gives_the_open_step_to_somebody_else() -> None:
    story = trial({}).when(TO_BOB).then("StepAssigned")
    assert (story.event("StepAssigned").previous, story.step(1).assigned_to) == ("alice", "bob")
    story.completes(1, ALICE).refused(Code.FORBIDDEN)
    story.completes(1, somebody("bob")).then("StepCompleted", "RunCompleted")


def test_a_step_that_is_still_to_come_starts_with_its_assignee() -> None:
    story = trial({}, {}).when(TO_BOB.model_copy(update={"step_id": "step_002"})).completes(1)
    assert story.step(2).assigned_to == "bob"


def test_works_during_a_pause() -> None:
    assert trial({}).when(PauseRun(caller=ALICE, signal_id="p")).when(TO_BOB).step(1).assigned_to == "bob"


def test_refuses_an_ended_step_and_a_name_that_is_none() -> None:
    trial({}, {}).completes(1).when(TO_BOB.model_copy(update={"step_id": "step_001"})).refused(Code.INVALID_STATE)
    for name in (" ", "bob ", "b" * 201):
        trial({}).when(TO_BOB.model_copy(update={"assignee": name})).refused(Code.VALIDATION_ERROR)
