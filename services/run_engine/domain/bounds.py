"""Limits of a run: what a command may still bring to it."""

from collections.abc import Iterable, Mapping
from typing import Any

from contracts import limits
from contracts.commands import (
    CancelRun,
    Command,
    CompleteStep,
    EraseEncryptedData,
    FireTimer,
    ReceiveEvent,
    RecordAutomationResult,
    RecordNotification,
    StartRun,
    UpdateData,
)  # fmt: skip
from contracts.rejections import Code, Rejection
from contracts.values import Attachment
from services.run_engine.domain.lifecycle import ALLOWED_ON_RUN, RUN_TRANSITIONS
from services.run_engine.domain.sizes import json_bytes, kept_bytes
from services.run_engine.domain.state import RunState, StepState

_ENDS_OR_ANSWERS = (CancelRun, EraseEncryptedData, FireTimer, RecordAutomationResult, RecordNotification)
"""What a run takes however long it has become: the number of these is bounded by what it has begun, and by its keys."""


def beyond_limits(state: RunState, command: Command) -> Rejection | None:
    """The rejection, which names the limit, of a command that the run can't take; machines' answers are let through."""
    may_go_on = RUN_TRANSITIONS[state.status] and not isinstance(command, _ENDS_OR_ANSWERS)
    if may_go_on and state.sequence >= limits.RUN_EVENTS:
        return _too_long(state)
    match command:
        case CompleteStep():
            return _too_many_attachments(command) or too_much(state, command.data, command.attachments)
        case UpdateData():
            return too_much(state, command.data, metadata=command.metadata, root="run", kept=False)
        case ReceiveEvent():
            return too_much(state, command.data, root="signal", kept=False)
    return None


def start_beyond_limits(command: StartRun) -> Rejection | None:
    size = json_bytes(command.initial_data) + json_bytes(command.context) + json_bytes(command.metadata)
    return _too_large("run_data_bytes", limits.RUN_DATA_BYTES, size, "run.initial_data", _RUN_DATA)


def too_much(
    state: RunState,
    data: dict[str, Any],
    attachments: Iterable[Attachment] = (),
    metadata: Mapping[str, Any] | None = None,
    root: str = "completion",
    *,
    kept: bool = True,
) -> Rejection | None:
    """Where the data would make the run too large; `kept`: a step keeps it and the attachments as well."""
    brought = kept_bytes(data, attachments)
    if not brought and not metadata:
        return None
    size = json_bytes({**state.data, **data}) + json_bytes(state.context)
    size += json_bytes({**state.metadata, **(metadata or {})})
    refusal = _too_large("run_data_bytes", limits.RUN_DATA_BYTES, size, f"{root}.data", _RUN_DATA)
    if refusal is None and kept:
        total = brought + sum(step.kept_bytes for step in state.steps.values())
        refusal = _too_large("run_kept_bytes", limits.RUN_KEPT_BYTES, total, f"{root}.data", _RUN_KEPT)
    return refusal


_RUN_DATA = "The run's data, context and metadata would have {size} bytes; the limit is {most}"
_RUN_KEPT = "What the run's steps keep of their completions would have {size} bytes; the limit is {most}"


def _too_large(limit: str, most: int, size: int, field: str, sentence: str) -> Rejection | None:
    if size <= most:
        return None
    reason = sentence.format(size=size, most=most)
    details = {"field": field, "reason": reason, "limit": limit, "max_bytes": most, "actual_bytes": size}
    return Rejection(code=Code.PAYLOAD_TOO_LARGE, message=reason, details=details)


def _too_many(limit: str, most: int, count: int, field: str, what: str) -> Rejection | None:
    if count <= most:
        return None
    reason = f"{what} has {count}; the limit is {most}"
    details = {"field": field, "value": count, "reason": reason, "limit": limit, "max": most}
    return Rejection(code=Code.VALIDATION_ERROR, message=reason, details=details)


def _too_many_attachments(command: CompleteStep) -> Rejection | None:
    count = len(command.attachments)
    return _too_many("attachments", limits.ATTACHMENTS, count, "completion.attachments", "The list of attachments")


def too_many_roles(step: StepState, roles: Iterable[str]) -> Rejection | None:
    """Where these would make too many of those that the step has."""
    count, sentence = len({*step.assignee_roles, *roles}), "The step's list of roles"
    return _too_many("roles_of_step", limits.ROLES_OF_STEP, count, "signal.escalate_to", sentence)


def _too_long(state: RunState) -> Rejection:
    allowed = [action for action in ALLOWED_ON_RUN[state.status] if action == "cancel"]
    rest = "it can only be cancelled" if allowed else "nothing more begins"
    reason = f"The run has {state.sequence} events; from {limits.RUN_EVENTS} on {rest}"
    return Rejection(
        code=Code.INVALID_STATE,
        message=reason,
        details={
            "run_id": state.run_id,
            "current_status": state.status,
            "limit": "run_events",
            "max": limits.RUN_EVENTS,
            "reason": reason,
            "allowed": allowed,
        },
    )
