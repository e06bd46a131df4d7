"""Steps: numbers, jumps, conditions and what their metadata asks for."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from contracts.definitions import PlaybookDraft, StepDraft
from services.playbook_registry.domain import automation, conditions, deadlines, forms
from services.playbook_registry.domain.conditions import KnownSteps
from services.playbook_registry.domain.faults import Fault, invalid
from services.playbook_registry.domain.values import FLAG, POSITIVE, Rule, broken, is_whole

_PLAYBOOK: dict[str, Rule] = {"sla_hours": POSITIVE, "estimated_duration_minutes": POSITIVE, "auto_escalation": FLAG}
_JUMPS = ("next_step", "return_to_step", "end_playbook")


def faults(draft: PlaybookDraft) -> Iterator[Fault]:
    yield from broken(_PLAYBOOK, draft.metadata, "metadata")
    yield from deadlines.faults(draft.metadata, "metadata")
    yield from _duplicates(draft.steps)
    known = KnownSteps.of(draft.steps)
    for index, step in enumerate(draft.steps):
        path = f"steps[{index}]"
        yield from conditions.faults(step.conditions.pre, f"{path}.conditions.pre", known)
        yield from conditions.faults(step.conditions.post, f"{path}.conditions.post", known)
        yield from _jump_faults(step, path, known)
        yield from forms.faults(step, path)
        yield from automation.faults(step, path)


def _duplicates(steps: Sequence[StepDraft]) -> Iterator[Fault]:
    """Steps of one number start together; those that can't be meant so are duplicates."""
    count = Counter(step.sequence for step in steps)
    seen: set[tuple[int, str]] = set()
    for index, step in enumerate(steps):
        if (step.sequence, step.name) in seen:
            reason = f"Sequence {step.sequence} has a step of this name already"
            yield invalid(f"steps[{index}].sequence", step.sequence, reason)
        elif count[step.sequence] > 1 and _refuses_company(step):
            reason = f"Sequence {step.sequence} is shared with another step, but parallel_allowed is false"
            yield invalid(f"steps[{index}].sequence", step.sequence, reason)
        seen.add((step.sequence, step.name))


def _refuses_company(step: StepDraft) -> bool:
    """It says false itself, and does not merely leave it out."""
    return not step.parallel_allowed and "parallel_allowed" in step.model_fields_set


def _jump_faults(step: StepDraft, path: str, known: KnownSteps) -> Iterator[Fault]:
    options = step.metadata.get("approval_options")
    actions: set[str] = set()
    for index, option in enumerate(options if isinstance(options, list) else []):
        where = f"{path}.metadata.approval_options[{index}]"
        action = option.get("action") if isinstance(option, dict) else None
        if not isinstance(action, str) or not action:
            yield invalid(f"{where}.action", action, "An approval option needs an action")
            continue
        if action in actions:
            yield invalid(f"{where}.action", action, "The action is taken by another option of the step")
        actions.add(action)
        yield from _option_faults(option, step.sequence, where, known)


def _option_faults(option: dict[str, Any], sequence: int, path: str, known: KnownSteps) -> Iterator[Fault]:
    named = [name for name in _JUMPS if option.get(name) not in (None, False)]
    if len(named) > 1:
        yield invalid(path, named, f"An option takes one of {', '.join(_JUMPS)}")
    for name, forward in (("next_step", True), ("return_to_step", False)):
        target = option.get(name)
        if target is None:
            continue
        if not is_whole(target) or target not in known.sequences:
            yield invalid(f"{path}.{name}", target, f"There is no step with sequence {target}")
        elif (target > sequence) != forward or target == sequence:
            direction = "after" if forward else "before"
            yield invalid(f"{path}.{name}", target, f"{name} must name a step {direction} step {sequence}")
