"""Fields that nothing knows: kept as they came, and told about where they look like a known one, or where an object has
known fields only."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from typing import Any

from contracts.definitions import Condition, PlaybookDraft, StepConditions, StepDraft
from contracts.playbook_metadata import (
    OWN,
    SHOWN,
    ApprovalOption,
    Escalation,
    FieldOption,
    FormField,
    PlaybookMetadata,
    StepMetadata,
    fields_of,
)
from services.playbook_registry.domain import automation

Suspect = tuple[str, str | None]
"""Path of the field, and the name that may be meant."""
_ALIKE = 0.8
"""Of difflib's ratio: `asignee_roles` is like `assignee_roles`, `priority` is like nothing."""
_NAMES_COMPARED = 500
_CONDITIONS, _CONDITION = frozenset(StepConditions.model_fields), frozenset(Condition.model_fields)
_STEP = frozenset({*StepDraft.model_fields, "sla_hours"})
_STEP_METADATA, _PLAYBOOK_METADATA = fields_of(StepMetadata), fields_of(PlaybookMetadata)
_FIELD, _OPTION = fields_of(FormField) | SHOWN, fields_of(FieldOption) | SHOWN
_APPROVAL_OPTION, _ESCALATION = fields_of(ApprovalOption) | SHOWN, fields_of(Escalation)


@dataclass(frozen=True, slots=True)
class _Unknown:
    """A name that is not known where it stands."""

    path: str
    """Of the object, with a dot."""
    name: str
    known: frozenset[str]
    beside: Iterable[str]
    """What else stands there."""
    is_closed: bool
    """It is told about whatever it looks like: other fields than the known ones have no use there."""


def misspellings(draft: PlaybookDraft) -> Iterator[Suspect]:
    """Of the first names only, where a draft has thousands that nothing knows: each comparison takes its time."""
    looked_up: set[str] = set()
    for found in _unknown(draft):
        looked_up.add(found.name)
        if len(looked_up) > _NAMES_COMPARED:
            return
        meant = _meant(found.name[:100], found.known)
        if meant is not None and meant in found.beside:
            meant = None
        if meant is not None or found.is_closed:
            yield f"{found.path}{found.name[:200]}", meant


def _unknown(draft: PlaybookDraft) -> Iterator[_Unknown]:
    yield from _of(draft.model_extra, frozenset(PlaybookDraft.model_fields), "playbook.")
    yield from _of(draft.metadata, _PLAYBOOK_METADATA, "playbook.metadata.")
    yield from _of_escalation(draft.metadata, "playbook.metadata.")
    for index, step in enumerate(draft.steps):
        yield from _of_step(step, f"steps[{index}].")


def _of_step(step: StepDraft, path: str) -> Iterator[_Unknown]:
    yield from _of(step.model_extra, _STEP, path)
    yield from _of(step.metadata, _STEP_METADATA, f"{path}metadata.")
    yield from _of_metadata(step.metadata, f"{path}metadata.")
    yield from _of(step.automation_config, automation.FIELDS, f"{path}automation_config.")
    yield from _of(step.conditions.model_extra, _CONDITIONS, f"{path}conditions.")
    for kind, conditions in (("pre", step.conditions.pre), ("post", step.conditions.post)):
        for index, condition in enumerate(conditions):
            yield from _of(condition.model_extra, _CONDITION, f"{path}conditions.{kind}[{index}].")


def _of_metadata(metadata: Mapping[str, Any], path: str) -> Iterator[_Unknown]:
    for kind in ("form_fields", "required_outputs"):
        for here, field in _objects(metadata.get(kind), f"{path}{kind}"):
            yield from _of(field, _FIELD, here, is_closed=True)
            for option_path, option in _objects(field.get("options"), f"{here}options"):
                yield from _of(option, _OPTION, option_path, is_closed=True)
    for here, option in _objects(metadata.get("approval_options"), f"{path}approval_options"):
        yield from _of(option, _APPROVAL_OPTION, here, is_closed=True)
    yield from _of_escalation(metadata, path)


def _of_escalation(metadata: Mapping[str, Any], path: str) -> Iterator[_Unknown]:
    escalation = metadata.get("escalation")
    if isinstance(escalation, dict):
        yield from _of(escalation, _ESCALATION, f"{path}escalation.", is_closed=True)


def _objects(items: Any, path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The objects of a list, each with its path and a dot."""
    for index, item in enumerate(items if isinstance(items, list) else []):
        if isinstance(item, dict):
            yield f"{path}[{index}].", item


def _of(
    fields: Mapping[str, Any] | None, known: frozenset[str], path: str, *, is_closed: bool = False
) -> Iterator[_Unknown]:
    for name in (fields or {}).keys() - known:
        if not name.startswith(OWN):
            yield _Unknown(path, name, known, fields or {}, is_closed)


@lru_cache(maxsize=4096)
def _meant(name: str, known: frozenset[str]) -> str | None:
    close = get_close_matches(name, known, n=1, cutoff=_ALIKE)
    return close[0] if close else None
