"""Limits of a playbook: refused with the limit's name, before anything else is looked at."""

from collections.abc import Iterator, Sequence
from typing import Any

import orjson

from contracts import limits
from contracts.definitions import Condition, PlaybookDraft, StepDraft
from contracts.rejections import Code
from services.playbook_registry.domain.faults import Fault

_LISTS = (
    "required_documents", "deliverables", "sections", "task_checklist", "review_checklist", "initial_actions",
    "inspection_points", "resolution_types", "approval_options",
)  # fmt: skip


def faults(draft: PlaybookDraft) -> Iterator[Fault]:
    """What makes a draft too large. One that is found here is not checked any further."""
    size = _size(draft)
    if size > limits.DEFINITION_BYTES:
        reason = f"The playbook has {size} bytes; the limit is {limits.DEFINITION_BYTES}"
        details = {"field": "playbook", "limit": "definition_bytes", "max_bytes": limits.DEFINITION_BYTES}
        yield Fault(Code.PAYLOAD_TOO_LARGE, reason, {**details, "actual_bytes": size, "reason": reason})
        return
    yield from _too_many("steps", len(draft.steps), "steps", limits.STEPS, "A playbook has {most} steps at most")
    for index, step in enumerate(draft.steps):
        yield from _of_step(step, f"steps[{index}]")
    every = [c for step in draft.steps for c in _all(_conditions(step))]
    reason = "A playbook has {most} conditions at most"
    yield from _too_many("steps", len(every), "conditions", limits.CONDITIONS, reason)
    matches = sum(condition.operator == "matches" for condition in every)
    reason = "A playbook has {most} conditions with matches at most"
    yield from _too_many("steps", matches, "matches", limits.MATCHES, reason)


def _size(draft: PlaybookDraft) -> int:
    try:
        return len(orjson.dumps(draft.model_dump(mode="json", exclude_unset=True)))
    except (TypeError, ValueError):  # half a surrogate pair, which the next check names
        return 0


def _of_step(step: StepDraft, path: str) -> Iterator[Fault]:
    conditions = _conditions(step)
    count = sum(1 for _ in _all(conditions))
    reason = "A step has {most} conditions at most, those in groups counted"
    yield from _too_many(f"{path}.conditions", count, "conditions_of_step", limits.CONDITIONS_OF_STEP, reason)
    reason = "Groups of conditions nest {most} deep at most"
    yield from _too_many(f"{path}.conditions", _depth(conditions), "condition_depth", limits.CONDITION_DEPTH, reason)
    reason = "A step names {most} roles at most"
    roles = f"{path}.assignee_roles"
    yield from _too_many(roles, len(step.assignee_roles), "roles_of_step", limits.ROLES_OF_STEP, reason)
    for name in _LISTS:
        items = step.metadata.get(name)
        count = len(items) if isinstance(items, list) else 0
        reason = "A list of a step has {most} items at most"
        yield from _too_many(f"{path}.metadata.{name}", count, "items_of_list", limits.ITEMS_OF_LIST, reason)
    matrix = step.metadata.get("approval_matrix")
    bands, reason = len(matrix) if isinstance(matrix, dict) else 0, "An approval matrix has {most} bands at most"
    yield from _too_many(f"{path}.metadata.approval_matrix", bands, "bands", limits.BANDS, reason)
    for name in ("form_fields", "required_outputs"):
        yield from _of_fields(step.metadata.get(name), f"{path}.metadata.{name}")


def _of_fields(fields: Any, path: str) -> Iterator[Fault]:
    fields = fields if isinstance(fields, list) else []
    reason = "A step has {most} of them at most"
    yield from _too_many(path, len(fields), "fields_of_step", limits.FIELDS_OF_STEP, reason)
    for index, field in enumerate(fields):
        options = field.get("options") if isinstance(field, dict) else None
        count = len(options) if isinstance(options, list) else 0
        reason = "A field has {most} options at most"
        yield from _too_many(f"{path}[{index}].options", count, "options_of_field", limits.OPTIONS_OF_FIELD, reason)


def _too_many(path: str, count: int, limit: str, most: int, reason: str) -> Iterator[Fault]:
    if count > most:
        details = {"field": path, "value": count, "reason": reason.format(most=most), "limit": limit, "max": most}
        yield Fault(Code.VALIDATION_ERROR, "Playbook validation failed", details)


def _conditions(step: StepDraft) -> list[Condition]:
    return [*step.conditions.pre, *step.conditions.post]


def _all(conditions: Sequence[Condition]) -> Iterator[Condition]:
    for condition in conditions:
        yield condition
        yield from _all(condition.conditions or ())


def _depth(conditions: Sequence[Condition]) -> int:
    """0 without groups."""
    return max((1 + _depth(c.conditions) for c in conditions if c.conditions is not None), default=0)
