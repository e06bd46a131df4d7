"""The options of an approval: where each leads, and which of them are votes."""

from collections.abc import Collection, Iterator
from typing import Any

from contracts.definitions import StepDraft
from services.playbook_registry.domain.faults import Fault, invalid
from services.playbook_registry.domain.values import FLAG, broken, is_whole

_JUMPS = ("next_step", "return_to_step", "end_playbook")


def faults(step: StepDraft, path: str, sequences: Collection[int]) -> Iterator[Fault]:
    """`sequences`: the numbers of the playbook's steps."""
    options, where = step.metadata.get("approval_options"), f"{path}.metadata.approval_options"
    options = options if isinstance(options, list) else []
    actions: set[str] = set()
    for index, option in enumerate(options):
        here = f"{where}[{index}]"
        action = option.get("action") if isinstance(option, dict) else None
        if not isinstance(action, str) or not action:
            yield invalid(f"{here}.action", action, "An approval option needs an action")
            continue
        if action in actions:
            yield invalid(f"{here}.action", action, "The action is taken by another option of the step")
        actions.add(action)
        yield from _jump_faults(option, step.sequence, here, sequences)
    yield from _vote_faults(step, options, where)


def _jump_faults(option: dict[str, Any], sequence: int, path: str, sequences: Collection[int]) -> Iterator[Fault]:
    yield from broken({"end_playbook": FLAG}, option, path)
    named = [name for name in _JUMPS if option.get(name) not in (None, False)]
    if len(named) > 1:
        yield invalid(path, named, f"An option takes one of {', '.join(_JUMPS)}")
    for name, forward in (("next_step", True), ("return_to_step", False)):
        target = option.get(name)
        if target is None:
            continue
        if not is_whole(target) or target not in sequences:
            yield invalid(f"{path}.{name}", target, f"There is no step with sequence {target}")
        elif (target > sequence) != forward or target == sequence:
            direction = "after" if forward else "before"
            yield invalid(f"{path}.{name}", target, f"{name} must name a step {direction} step {sequence}")


def _vote_faults(step: StepDraft, options: list[Any], path: str) -> Iterator[Fault]:
    """With two ways to approve, where a vote leads would be up to whoever votes last."""
    if not step.metadata.get("approval_matrix") and "voting_threshold" not in step.metadata:
        return
    votes: dict[bool, str] = {}
    for index, option in enumerate(options):
        action = option.get("action") if isinstance(option, dict) else None
        if not isinstance(action, str) or option.get("return_to_step") is not None:
            continue
        against = option.get("end_playbook") is True or action == "reject"
        if against in votes:
            word = "rejects" if against else "approves"
            reason = f"Several vote on the step, and {votes[against]!r} {word} it already: one option for each"
            yield invalid(f"{path}[{index}].action", action, reason)
        votes.setdefault(against, action)
