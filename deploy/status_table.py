"""docs/statuses.md: what a run and a step take in each status, written from the tables that the engine decides by."""

from collections.abc import Collection, Mapping
from typing import TypeVar, get_args

from contracts.signals import SignalType
from services.run_engine.domain.lifecycle import ALLOWED_ON_RUN, ALLOWED_ON_STEP, RunStatus, StepStatus

_HEAD = """# What is taken in which status

Made of the engine's own tables (`services/run_engine/domain/lifecycle.py`) by `make schemas`. What stands as `–` is 409
`INVALID_STATE`, with the current status and what is allowed.

## Signals and commands, by the run's status

"""
_STEPS = """
## Of a step, by its status

The run's status must allow it too. `complete`, `claim` and `release` want a step that a person works on.

"""
_FOOT = """
## While a run is paused

What people and systems send is taken as the column `paused` says. Beside that, the engine's own commands:

| | while paused |
| --- | --- |
| a machine's answer to a job in flight | recorded, with the step's end; what follows from it starts at resume |
| a machine's answer that comes too late for its job | recorded, changes nothing |
| a timer of a step | stands still; it fires as much later as the pause has lasted |
| the timer of `pause_until` | resumes the run |
| a notification that was sent | recorded |

Nothing is lost by a pause, and nothing happens twice: a command that is refused because of it does, sent again after
the resume, what it would have done before.
"""


Status = TypeVar("Status", RunStatus, StepStatus)


def status_table() -> str:
    signals = [*get_args(SignalType)]
    others = [name for name in _actions() if name not in signals]
    by_run = _table([*signals, *others], get_args(RunStatus), ALLOWED_ON_RUN)
    by_step = _table([*ALLOWED_ON_STEP], get_args(StepStatus), _turned(ALLOWED_ON_STEP))
    return _HEAD + by_run + _STEPS + by_step + _FOOT


def _actions() -> list[str]:
    return list(dict.fromkeys(action for allowed in ALLOWED_ON_RUN.values() for action in allowed))


def _turned(by_action: Mapping[str, Collection[StepStatus]]) -> dict[StepStatus, list[str]]:
    return {status: [a for a, on in by_action.items() if status in on] for status in get_args(StepStatus)}


def _table(actions: Collection[str], statuses: Collection[Status], allowed: Mapping[Status, Collection[str]]) -> str:
    head = ["", *(f"`{status}`" for status in statuses)]
    rows: list[list[str]] = [_row(action, [action in allowed[status] for status in statuses]) for action in actions]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in (head, ["---"] * len(head), *rows))


def _row(action: str, taken: Collection[bool]) -> list[str]:
    return [f"`{action}`", *("yes" if is_taken else "–" for is_taken in taken)]
