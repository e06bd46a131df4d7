"""From a signal, as REST and Kafka both carry it, to the command that it asks for."""

from typing import Any

from contracts import commands
from contracts.commands import SignalCommand
from contracts.rejections import Code
from contracts.signals import Signal, SignalType
from contracts.values import Caller
from shared.errors import Refused

_COMMANDS: dict[SignalType, tuple[type[SignalCommand], tuple[str, ...]]] = {
    "pause": (commands.PauseRun, ("pause_until",)),
    "resume": (commands.ResumeRun, ()),
    "cancel": (commands.CancelRun, ()),
    "retry": (commands.RetryStep, ("step_id",)),
    "skip": (commands.SkipStep, ("step_id",)),
    "escalate": (commands.EscalateStep, ("step_id", "escalate_to", "assignee")),
    "reassign": (commands.ReassignStep, ("step_id", "assignee")),
    "event": (commands.ReceiveEvent, ("name", "data")),
}
"""The command of each type, and what of the signal it carries beside the fields that every signal has."""

_NEEDED: dict[SignalType, str] = {"skip": "reason", "reassign": "assignee", "event": "name"}


def signal_command(signal: Signal, signal_id: str, caller: Caller) -> SignalCommand:
    """Raises Refused (VALIDATION_ERROR) where the signal lacks what its type needs."""
    needed = _NEEDED.get(signal.type)
    if needed and not (getattr(signal, needed) or "").strip():
        raise _lacking(signal.type, needed)
    kind, own_fields = _COMMANDS[signal.type]
    fields: dict[str, Any] = {name: getattr(signal, name) for name in own_fields}
    return kind(
        caller=caller,
        signal_id=signal_id,
        reason=signal.reason,
        issued_by=signal.issued_by,
        metadata=signal.metadata,
        **fields,
    )


def _lacking(signal_type: str, field: str) -> Refused:
    return Refused(
        Code.VALIDATION_ERROR,
        "Request validation failed",
        field=f"signal.{field}",
        value=None,
        reason=f"A signal of type {signal_type} needs {field}",
    )
