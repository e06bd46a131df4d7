"""A draft as a revision: steps numbered, and what can be counted about it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from contracts.definitions import PlaybookDefinition, PlaybookDraft, StepDefinition, StepDraft
from contracts.values import rfc3339


def in_order(steps: Sequence[StepDraft]) -> list[StepDraft]:
    """By sequence; steps of one number stay in the order that the user gave them."""
    return sorted(steps, key=lambda step: step.sequence)


def first_revision(
    draft: PlaybookDraft, playbook_id: str, organization_id: str, now: datetime, author: str
) -> PlaybookDefinition:
    """`step_001`, `step_002`, … in order of sequence."""
    return PlaybookDefinition(
        playbook_id=playbook_id,
        revision=1,
        organization_id=organization_id,
        created_at=now,
        created_by=author,
        **_drafted(draft),
    )


def next_revision(draft: PlaybookDraft, current: PlaybookDefinition) -> PlaybookDefinition:
    """What was drafted, numbered anew, under the playbook's own id and birth."""
    return PlaybookDefinition(
        playbook_id=current.playbook_id,
        revision=current.revision + 1,
        organization_id=current.organization_id,
        created_at=current.created_at,
        created_by=current.created_by,
        **_drafted(draft),
    )


def _drafted(draft: PlaybookDraft) -> dict[str, Any]:
    steps = [_numbered(step, number) for number, step in enumerate(in_order(draft.steps), 1)]
    unknown = (draft.model_extra or {}).keys() - PlaybookDefinition.model_fields.keys()
    return {**draft.model_dump(include={*PlaybookDraft.model_fields, *unknown} - {"steps"}), "steps": steps}


def _numbered(step: StepDraft, number: int) -> StepDefinition:
    fields = step.model_dump(exclude={"conditions"})
    return StepDefinition.model_validate({**fields, "conditions": step.conditions, "step_id": f"step_{number:03d}"})


def as_json(definition: PlaybookDefinition) -> dict[str, Any]:
    """In JSON's types, each condition with the fields that its author gave it and no others."""
    document = definition.model_dump(mode="json")
    for step, shown in zip(definition.steps, document["steps"], strict=True):
        shown["conditions"] = step.conditions.model_dump(mode="json", exclude_unset=True)
    return document


def metrics(definition: PlaybookDefinition | PlaybookDraft) -> dict[str, Any]:
    steps: Sequence[StepDraft] = definition.steps
    return {
        "total_steps": len(steps),
        "required_steps": sum(step.is_required for step in steps),
        "parallel_steps": sum(step.parallel_allowed for step in steps),
        "automated_steps": sum(step.step_type == "automated" for step in steps),
        "estimated_duration_minutes": definition.metadata.get("estimated_duration_minutes"),
    }


def created_view(definition: PlaybookDefinition, warnings: list[dict[str, str]]) -> dict[str, Any]:
    """The answer to a create, in the shape of the public API."""
    return {
        "playbook_id": definition.playbook_id,
        "smart_code": definition.smart_code,
        "version": definition.version,
        "status": "active",
        "created_at": rfc3339(definition.created_at),
        "created_by": definition.created_by,
        "organization_id": definition.organization_id,
        **checked_view(definition, warnings),
    }


def checked_view(definition: PlaybookDefinition | PlaybookDraft, warnings: list[dict[str, str]]) -> dict[str, Any]:
    """What the checks found, all of which it has passed, and how large it is."""
    return {
        "validation": {
            "smart_code_valid": True,
            "steps_valid": True,
            "conditions_valid": True,
            "warnings": warnings,
        },
        "metrics": metrics(definition),
    }
