"""Fields that nothing knows and that look like one that something does: kept as they came, and told about."""

from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from contracts.definitions import Condition, PlaybookDraft, StepConditions, StepDraft
from services.playbook_registry.domain import automation

Suspect = tuple[str, str]
"""Path of the field, and the name that may be meant."""
_ALIKE = 0.8
"""Of difflib's ratio: `asignee_roles` is like `assignee_roles`, `priority` is like nothing."""
_STEP = frozenset({*StepDraft.model_fields, "sla_hours"})
_STEP_METADATA = frozenset({
    "amount_field", "approval_matrix", "approval_options", "calendar", "committee_size", "deliverables", "escalation",
    "form_fields", "initial_actions", "inspection_points", "on_timeout", "rejection_criteria", "reminders",
    "required_documents", "required_outputs", "resolution_types", "response_sla", "review_checklist", "sections",
    "sla_hours", "task_checklist", "voting_threshold",
})  # fmt: skip
_PLAYBOOK_METADATA = frozenset(
    {"auto_escalation", "calendar", "escalation", "estimated_duration_minutes", "reminders", "sla_hours"}
)


def misspellings(draft: PlaybookDraft) -> Iterator[Suspect]:
    yield from _alike(draft.model_extra, PlaybookDraft.model_fields, "")
    yield from _alike(draft.metadata, _PLAYBOOK_METADATA, "metadata.")
    for index, step in enumerate(draft.steps):
        yield from _of_step(step, f"steps[{index}].")


def _of_step(step: StepDraft, path: str) -> Iterator[Suspect]:
    yield from _alike(step.model_extra, _STEP, path)
    yield from _alike(step.metadata, _STEP_METADATA, f"{path}metadata.")
    yield from _alike(step.automation_config, automation.FIELDS, f"{path}automation_config.")
    yield from _alike(step.conditions.model_extra, StepConditions.model_fields, f"{path}conditions.")
    for kind, conditions in (("pre", step.conditions.pre), ("post", step.conditions.post)):
        for index, condition in enumerate(conditions):
            yield from _alike(condition.model_extra, Condition.model_fields, f"{path}conditions.{kind}[{index}].")


def _alike(fields: Mapping[str, Any] | None, known: Iterable[str], path: str) -> Iterator[Suspect]:
    known = set(known)
    for name in (fields or {}).keys() - known:
        close = get_close_matches(name[:100], known, n=1, cutoff=_ALIKE)
        if close and close[0] not in (fields or {}):
            yield f"{path}{name[:200]}", close[0]
