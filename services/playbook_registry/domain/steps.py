"""Steps: numbers, jumps, conditions and what their metadata asks for."""

from collections import Counter
from collections.abc import Iterator, Sequence

from contracts.definitions import PlaybookDraft, StepDraft
from services.playbook_registry.domain import automation, conditions, deadlines, forms, options
from services.playbook_registry.domain.conditions import KnownSteps
from services.playbook_registry.domain.faults import Fault, invalid
from services.playbook_registry.domain.values import FLAG, HOURS, MINUTES, Rule, broken

_PLAYBOOK: dict[str, Rule] = {"sla_hours": HOURS, "estimated_duration_minutes": MINUTES, "auto_escalation": FLAG}
_STEP: dict[str, Rule] = {"timeout_minutes": MINUTES}


def faults(draft: PlaybookDraft) -> Iterator[Fault]:
    yield from broken(_PLAYBOOK, draft.metadata, "playbook.metadata")
    yield from deadlines.faults(draft.metadata, "playbook.metadata")
    yield from _duplicates(draft.steps)
    known = KnownSteps.of(draft.steps)
    for index, step in enumerate(draft.steps):
        path = f"steps[{index}]"
        yield from broken(_STEP, {"timeout_minutes": step.timeout_minutes}, path)
        yield from conditions.faults(step.conditions.pre, f"{path}.conditions.pre", known)
        yield from conditions.faults(step.conditions.post, f"{path}.conditions.post", known)
        yield from options.faults(step, path, known.sequences)
        yield from _role_faults(step, f"{path}.assignee_roles")
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


def _role_faults(step: StepDraft, path: str) -> Iterator[Fault]:
    for index, role in enumerate(step.assignee_roles):
        if not role.strip():
            yield invalid(f"{path}[{index}]", role, "A role is named by a text: nobody holds a blank one")
