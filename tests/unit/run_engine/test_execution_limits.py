"""What one run may have under way: refused with the limit's name, or taken when it is sent again."""

from typing import Any

import pytest

from contracts import limits
from contracts.commands import Command, CompleteStep, RecordAutomationResult, StartRun
from contracts.definitions import PlaybookDefinition
from contracts.policies import DEFAULT_POLICIES
from contracts.rejections import Code
from contracts.values import SYSTEM_CALLER
from services.run_engine.execution import StoredRun, Taken, take
from tests.unit.run_engine.story import ALICE, Story, playbook
from tests.unit.run_engine.test_documents import delivered

AUTOMATED = {"step_type": "automated", "parallel_allowed": True}


class Loop:
    """Commands to one run, one after the other, none of them committed."""

    def __init__(self, *steps: dict[str, Any], **data: Any) -> None:
        self.definition: PlaybookDefinition = playbook(*steps)
        self.story = Story(self.definition)
        self.run: StoredRun | None = None
        self.number = 0
        self.first = self.takes(StartRun(
            caller=ALICE, run_id="run_1", organization_id="org_1", definition=self.definition, initial_data=data
        ))  # fmt: skip

    def takes(self, command: Command) -> Taken:
        self.number += 1
        self.last = delivered(command, self.number, self.story)
        taken = take(self.run, self.last, self.definition, DEFAULT_POLICIES, self.story.now)
        self.run = taken.run
        return taken


def completion(number: int, **more: Any) -> CompleteStep:
    return CompleteStep(caller=ALICE, step_id=f"step_{number:03}", **more)


def test_jobs_that_would_carry_too_much_at_once_are_refused_and_the_step_stays_open() -> None:
    loop = Loop({}, *[AUTOMATED] * 4, x="x" * 1_900_000)
    rejection = loop.takes(completion(1)).reply.rejection
    assert rejection is not None and rejection.code == Code.PAYLOAD_TOO_LARGE
    assert rejection.details["limit"] == "command_output_bytes"
    assert loop.run is not None and loop.run.state.steps["step_001"].status == "in_progress"


def test_while_too_much_is_unpublished_commands_wait_and_machines_are_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    loop = Loop({}, {}, AUTOMATED, {})
    loop.takes(completion(1, data={"x": "x" * 50_000}))
    loop.takes(completion(2))
    monkeypatch.setattr(limits, "JOURNAL_BYTES", 50_000)
    refused = loop.takes(completion(4))
    assert refused.reply.rejection is not None and refused.reply.rejection.code == Code.UNAVAILABLE
    redelivered = take(refused.run, loop.last, loop.definition, DEFAULT_POLICIES, loop.story.now)
    assert refused.run is not None
    assert (redelivered.run, redelivered.reply) == (refused.run, refused.reply)
    answer = RecordAutomationResult(
        caller=SYSTEM_CALLER, step_id="step_003", job_id="run_1:step_003:1:1", outcome="success"
    )
    assert loop.takes(answer).reply.rejection is None
    assert loop.run is not None
    loop.run = StoredRun(
        "run_1", loop.run.state, loop.run.journal.release_past({0: 10, 1: 10}), loop.run.head_hash, loop.run.partition
    )
    assert loop.takes(completion(4)).reply.rejection is None


def test_a_machine_is_told_the_steps_metadata() -> None:
    step = {**AUTOMATED, "metadata": {"contract_parameters": {"include_clauses": ["sla"]}}}
    loop = Loop(step | {"automation_config": {"scoring_model": "v5"}})
    assert loop.run is not None
    [job] = [m for entry in loop.run.journal.entries for m in entry.messages if m.type == "AutomationJob"]
    assert (
        b'"config":{"metadata":{"contract_parameters":{"include_clauses":["sla"]}},"scoring_model":"v5"}' in job.value
    )


def test_an_answer_hands_on_fifty_open_steps_and_leaves_out_what_is_large() -> None:
    wide = Loop({}, *[{"parallel_allowed": True}] * 60)
    result = wide.takes(completion(1, data={"x": 1})).reply.result
    assert result is not None
    assert (len(result["next_steps"]), result["next_steps_total"]) == (50, 60)
    assert result["next_steps"][0]["data"] == {"x": 1}
    large = Loop({}, {}, x="x" * 100_000).takes(completion(1))
    [step] = (large.reply.result or {})["next_steps"]
    assert step["left_out"] == ["form_fields", "approval_options", "metadata", "data"] and "data" not in step
    assert len(large.answer) < 2_000
