"""Every field of the reference's five definitions does something, or is said to be for people to read."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from contracts.jobs import AutomationJob
from services.run_engine.domain.views.open_steps import open_step_view
from tests.unit.run_engine.story import ADMIN, Story, trial
from tests.unit.run_engine.test_execution_limits import Loop

ROOT = Path(__file__).parents[3]
DEFINITIONS = {path.stem: json.loads(path.read_text()) for path in (ROOT / "tests/fixtures/reference").glob("*.json")}
STEPS = [
    pytest.param(step, id=f"{name}, {step['name']}")
    for name, playbook in DEFINITIONS.items() if "steps" in playbook
    for step in playbook["steps"]
]  # fmt: skip
THE_USERS_OWN = {"contract_parameters", "ui_hints", "approval_matrix", "response_sla", "rejection_criteria"}
"""What stands in these has names of the user's own: bands, severities, counts, a machine's parameters."""


def names(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from names(item)
    elif isinstance(value, dict):
        yield from value
        for name, inner in value.items():
            if name not in THE_USERS_OWN:
                yield from names(inner)


def test_there_are_five_with_a_score_of_steps() -> None:
    assert (len(DEFINITIONS), len(STEPS)) == (5, 21)


@pytest.mark.parametrize("name", sorted({name for playbook in DEFINITIONS.values() for name in names(playbook)}))
def test_the_page_says_what_each_field_does(name: str) -> None:
    page = (ROOT / "docs/run-semantics.md").read_text()
    assert re.search(rf"[`\"\.]{re.escape(name)}[`\".]", page)


def without_conditions(step: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in step.items() if name != "conditions"} | {"sequence": 1}


@pytest.mark.parametrize("step", [step for step in STEPS if step.values[0]["step_type"] != "automated"])  # type: ignore[index]
def test_whoever_works_on_a_step_is_shown_all_that_its_metadata_says(step: dict[str, Any]) -> None:
    story: Story = trial(without_conditions(step))
    view = open_step_view(story.state, "step_001", story.situation, ADMIN)
    assert story.step(1).assignee_roles == tuple(step.get("assignee_roles", ()))
    for name, value in step.get("metadata", {}).items():
        assert value in (view.get(name), view.get("metadata", {}).get(name)), name


@pytest.mark.parametrize("step", [step for step in STEPS if step.values[0]["step_type"] == "automated"])  # type: ignore[index]
def test_a_machine_is_handed_all_that_its_step_says(step: dict[str, Any]) -> None:
    loop = Loop(without_conditions(step))
    assert loop.run is not None
    [message] = [m for entry in loop.run.journal.entries for m in entry.messages if m.type == "AutomationJob"]
    job = AutomationJob.model_validate(json.loads(message.value)["data"])
    config = step.get("automation_config", {})
    assert {name: job.config[name] for name in config} == config
    assert job.config.get("metadata", {}) == step.get("metadata", {})
    assert (job.api_endpoint, job.timeout_seconds) == (config.get("api_endpoint"), config.get("timeout_seconds", 30))
