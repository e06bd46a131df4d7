"""What is allowed, but may surprise: told in `validation.warnings`, blocks nothing."""

from collections.abc import Iterator
from operator import itemgetter
from typing import Any

from contracts.definitions import FIELD_KINDS, PlaybookDraft, StepDraft
from services.playbook_registry.domain.automation import is_absolute
from services.playbook_registry.domain.conditions import asking_for_a_pause, names_data
from services.playbook_registry.domain.misspellings import misspellings

Warning_ = dict[str, str]
"""`field`, the path as errors name it, and `message`."""

_TOLD = 50
"""A playbook keeps the answers to its last changes, with their warnings."""


def warnings(draft: PlaybookDraft, *, has_base: bool = False) -> list[Warning_]:
    """`has_base`: a base address is configured for the organisation, so that its relative endpoints are called."""
    found = [] if draft.steps else [_warning("steps", "The playbook has no steps: its runs complete at once")]
    for index, step in enumerate(draft.steps):
        found += _of_step(step, draft.metadata, f"steps[{index}]")
        found += _of_automation(step, has_base, f"steps[{index}].automation_config")
    found += [_of_name(field, meant) for field, meant in sorted(misspellings(draft), key=itemgetter(0))]
    found += _shared(draft)
    more = len(found) - _TOLD
    return found if more <= 0 else [*found[:_TOLD], _warning("", f"There are {more} more warnings")]


def _warning(field: str, message: str) -> Warning_:
    return {"field": field, "message": message}


def _of_name(field: str, meant: str | None) -> Warning_:
    question = f". Did you mean {meant!r}?" if meant is not None else ""
    return _warning(field, f"Unknown field, kept as is{question}")


def _of_step(step: StepDraft, playbook: dict[str, Any], path: str) -> Iterator[Warning_]:
    if step.is_required and step.conditions.on_unmet is None and any(map(names_data, step.conditions.pre)):
        yield _warning(
            f"{path}.conditions.pre",
            "The step is required and has pre-conditions on data, but no on_unmet: a run in which they do not hold "
            "is blocked until its data changes or somebody skips the step",
        )
    for kind, conditions in (("pre", step.conditions.pre), ("post", step.conditions.post)):
        for field in asking_for_a_pause(conditions, f"{path}.conditions.{kind}"):
            yield _warning(field, "A paused step is looked at as it was before the pause: its status never is paused")
    if step.metadata.get("reminders") and not _is_due(step, playbook):
        yield _warning(
            f"{path}.metadata.reminders",
            "Nobody is reminded: the step has no due date, which sla_hours, response_sla or timeout_minutes would give",
        )
    yield from _of_approval(step, f"{path}.metadata")
    yield from _unknown_types(step.metadata.get("form_fields"), f"{path}.metadata.form_fields")


_OF_APPROVALS = ("approval_matrix", "voting_threshold")


def _of_approval(step: StepDraft, path: str) -> Iterator[Warning_]:
    metadata, escalation = step.metadata, step.metadata.get("escalation")
    for name in _OF_APPROVALS:
        if metadata.get(name) and step.step_type != "approval":
            yield _warning(f"{path}.{name}", f"Nobody votes: the step is no approval, but {step.step_type}")
    if isinstance(escalation, dict) and escalation and not escalation.get("escalate_to"):
        yield _warning(f"{path}.escalation", "Nothing is escalated: it names no roles in escalate_to")


def _is_due(step: StepDraft, playbook: dict[str, Any]) -> bool:
    named = step.metadata.get("sla_hours") or (step.model_extra or {}).get("sla_hours") or playbook.get("sla_hours")
    return bool(named or step.timeout_minutes or step.metadata.get("response_sla"))


def _of_automation(step: StepDraft, has_base: bool, path: str) -> Iterator[Warning_]:
    endpoint = (step.automation_config or {}).get("api_endpoint")
    if endpoint is None:
        return
    if step.step_type != "automated":
        yield _warning(f"{path}.api_endpoint", f"Nothing calls it: the step is no automated one, but {step.step_type}")
    elif is_absolute(endpoint):
        message = f"{endpoint} is called only if the operator allows its host to the organization; attempts fail if not"
        yield _warning(f"{path}.api_endpoint", message)
        if (step.automation_config or {}).get("auth") and endpoint.lower().startswith("http:"):
            yield _warning(f"{path}.auth", "The credentials are sent unencrypted: use https")
    elif not has_base:
        yield _warning(
            f"{path}.api_endpoint",
            f"No base address is configured for the organization: instead of a call to {endpoint} "
            "the step becomes a job for an external worker",
        )


def _unknown_types(fields: Any, path: str) -> Iterator[Warning_]:
    for index, field in enumerate(fields if isinstance(fields, list) else []):
        named = field.get("type") if isinstance(field, dict) else None
        if isinstance(named, str) and named not in FIELD_KINDS:
            message = f"Nothing knows the type {named[:100]!r}: any value is taken. Known are {', '.join(FIELD_KINDS)}"
            yield _warning(f"{path}[{index}].type", message)


def _shared(draft: PlaybookDraft) -> Iterator[Warning_]:
    first: dict[int, str] = {}
    for index, step in enumerate(draft.steps):
        if step.sequence in first:
            yield _warning(
                f"steps[{index}].sequence",
                f"'{step.name}' and '{first[step.sequence]}' share sequence {step.sequence}: they start together",
            )
        first.setdefault(step.sequence, step.name)
