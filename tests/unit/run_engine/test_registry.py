"""Every event has its case, every command its decider and its test file."""

import re
from pathlib import Path
from typing import get_args

import pytest

from contracts.commands import RUN_COMMANDS, Command
from contracts.entries import event_type
from contracts.events import RUN_EVENTS
from services.run_engine.domain import deciders, evolve
from services.run_engine.domain.decide import RunCommand
from services.run_engine.domain.evolve import RunEvent


def test_every_event_has_its_case() -> None:
    source = Path(evolve.__file__).read_text()
    assert set(get_args(RunEvent)) == set(RUN_EVENTS)
    cases = set(re.findall(r"(?:case|\|) (\w+)\(\)", source))
    assert {event.__name__ for event in RUN_EVENTS} - cases == set()


def test_every_command_is_decided() -> None:
    assert set(get_args(RunCommand)) == set(RUN_COMMANDS)


@pytest.mark.parametrize("command", RUN_COMMANDS)
def test_every_command_has_its_decider_and_its_test_file(command: type[Command]) -> None:
    name = event_type(command.__name__)
    assert (Path(deciders.__file__).parent / f"{name}.py").exists()
    assert (Path(__file__).parent / f"test_{name}.py").exists()
