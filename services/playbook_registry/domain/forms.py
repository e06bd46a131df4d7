"""Form fields, required outputs and approval rules in a step's metadata."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from contracts.definitions import StepDraft
from services.playbook_registry.domain import deadlines, form_fields
from services.playbook_registry.domain.faults import Fault, invalid
from services.playbook_registry.domain.values import (
    FLAG,
    HOURS,
    LIST,
    MEMBERS,
    NAMED,
    NUMBER,
    OBJECT,
    ON_TIMEOUT,
    SHARE,
    TEXT,
    TEXTS,
    Rule,
    broken,
    is_texts,
)  # fmt: skip

_METADATA: dict[str, Rule] = {
    "form_fields": LIST, "required_outputs": LIST, "required_documents": TEXTS, "task_checklist": TEXTS,
    "approval_options": LIST, "approval_matrix": OBJECT, "amount_field": TEXT, "voting_threshold": SHARE,
    "committee_size": MEMBERS, "sla_hours": HOURS, "rejection_criteria": OBJECT, "review_checklist": TEXTS,
    "initial_actions": TEXTS, "inspection_points": TEXTS, "deliverables": TEXTS, "resolution_types": TEXTS,
    "sections": NAMED, "on_timeout": ON_TIMEOUT,
}  # fmt: skip
_BESIDE: dict[str, Rule] = {"sla_hours": HOURS, "on_timeout": ON_TIMEOUT}
"""May stand in the step itself as well."""
_AMOUNT = r"\d+(?:\.\d+)?[kmb]?"
_BAND = re.compile(rf"(?:under|over)_{_AMOUNT}|{_AMOUNT}_to_{_AMOUNT}", re.IGNORECASE)


def faults(step: StepDraft, path: str) -> Iterator[Fault]:
    metadata, where = step.metadata, f"{path}.metadata"
    yield from broken(_METADATA, metadata, where)
    yield from broken(_BESIDE, step.model_extra or {}, path)
    yield from _named_faults(metadata.get("form_fields"), f"{where}.form_fields")
    yield from _named_faults(metadata.get("required_outputs"), f"{where}.required_outputs")
    yield from _approval_faults(metadata, where)
    yield from _criteria_faults(metadata.get("rejection_criteria"), f"{where}.rejection_criteria")
    yield from deadlines.faults(metadata, where)


def _named_faults(fields: Any, path: str) -> Iterator[Fault]:
    """Of form fields or outputs: each has a name of its own, and a pattern that RE2 can run."""
    seen: set[str] = set()
    for index, field in enumerate(fields if isinstance(fields, list) else []):
        name = field.get("name") if isinstance(field, dict) else field
        if not isinstance(name, str) or not name:
            yield invalid(f"{path}[{index}].name", name, "It needs a name")
            continue
        if name in seen:
            yield invalid(f"{path}[{index}].name", name, "The name is taken by another one of the step")
        seen.add(name)
        yield from form_fields.faults(field if isinstance(field, dict) else {}, f"{path}[{index}]")


def _criteria_faults(criteria: Any, path: str) -> Iterator[Fault]:
    """A criterion that nothing could be held against would be one that is never minded."""
    for name, limit in (criteria if isinstance(criteria, dict) else {}).items():
        if name.endswith("_auto_fail"):
            rule = FLAG
        elif name.startswith(("max_", "min_")):
            rule = NUMBER
        else:
            yield invalid(f"{path}.{name}", limit, "A criterion is named max_<x>, min_<x> or <x>_auto_fail")
            continue
        yield from broken({name: rule}, criteria, path)


def _approval_faults(metadata: Mapping[str, Any], path: str) -> Iterator[Fault]:
    if ("voting_threshold" in metadata) != ("committee_size" in metadata):
        reason = "voting_threshold and committee_size are needed together"
        yield invalid(f"{path}.voting_threshold", metadata.get("voting_threshold"), reason)
    matrix = metadata.get("approval_matrix")
    if matrix and "voting_threshold" in metadata:
        reason = "A step asks either the roles of an approval_matrix or the votes of a committee: leave one of them out"
        yield invalid(f"{path}.approval_matrix", matrix, reason)
    for name, roles in (matrix if isinstance(matrix, dict) else {}).items():
        if not _BAND.fullmatch(name):
            reason = "A band is named under_100k, 500k_to_1m or over_5m"
            yield invalid(f"{path}.approval_matrix", name, reason)
        if not is_texts(roles) or not roles:
            yield invalid(f"{path}.approval_matrix.{name}", roles, "A band lists the roles that must approve")
