"""Fields that nothing knows and that look like one that something does: kept as they came, and told about."""

from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from functools import lru_cache
from typing import Any

from contracts.definitions import Condition, PlaybookDraft, StepConditions, StepDraft
from services.playbook_registry.domain import automation

Suspect = tuple[str, str]
"""Path of the field, and the name that may be meant."""
_ALIKE = 0.8
"""Of difflib's ratio: `asignee_roles` is like `assignee_roles`, `priority` is like nothing."""
_NAMES_COMPARED = 500
_CONDITIONS, _CONDITION = frozenset(StepConditions.model_fields), frozenset(Condition.model_fields)
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
    """Of the first names only, where a draft has thousands that nothing knows: each comparison takes its time."""
    looked_up: set[str] = set()
    for path, name, known, others in _unknown(draft):
        looked_up.add(name)
        if len(looked_up) > _NAMES_COMPARED:
            return
        meant = _meant(name[:100], known)
        if meant is not None and meant not in others:
            yield f"{path}{name[:200]}", meant


def _unknown(draft: PlaybookDraft) -> Iterator[tuple[str, str, frozenset[str], Iterable[str]]]:
    """Path, name, what is known there, and what else stands there."""
    yield from _of(draft.model_extra, frozenset(PlaybookDraft.model_fields), "playbook.")
    yield from _of(draft.metadata, _PLAYBOOK_METADATA, "playbook.metadata.")
    for index, step in enumerate(draft.steps):
        yield from _of_step(step, f"steps[{index}].")


def _of_step(step: StepDraft, path: str) -> Iterator[tuple[str, str, frozenset[str], Iterable[str]]]:
    yield from _of(step.model_extra, _STEP, path)
    yield from _of(step.metadata, _STEP_METADATA, f"{path}metadata.")
    yield from _of(step.automation_config, automation.FIELDS, f"{path}automation_config.")
    yield from _of(step.conditions.model_extra, _CONDITIONS, f"{path}conditions.")
    for kind, conditions in (("pre", step.conditions.pre), ("post", step.conditions.post)):
        for index, condition in enumerate(conditions):
            yield from _of(condition.model_extra, _CONDITION, f"{path}conditions.{kind}[{index}].")


def _of(
    fields: Mapping[str, Any] | None, known: frozenset[str], path: str
) -> Iterator[tuple[str, str, frozenset[str], Iterable[str]]]:
    for name in (fields or {}).keys() - known:
        yield path, name, known, fields or {}


@lru_cache(maxsize=4096)
def _meant(name: str, known: frozenset[str]) -> str | None:
    close = get_close_matches(name, known, n=1, cutoff=_ALIKE)
    return close[0] if close else None
