"""From a signal, as REST and Kafka both carry it, to the command that it asks for."""

from difflib import get_close_matches
from typing import Any

from contracts import commands
from contracts.commands import SignalCommand
from contracts.rejections import Code
from contracts.signals import Signal, SignalType
from contracts.values import Caller
from shared.errors import Refused
from shared.http import invalid, shortened

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

_OF_ALL = frozenset({"type", "reason", "issued_by", "metadata"})
_NEEDED: dict[SignalType, str] = {"skip": "reason", "reassign": "assignee", "event": "name"}


def signal_command(signal: Signal, signal_id: str, caller: Caller) -> SignalCommand:
    """Raises Refused (VALIDATION_ERROR) where the signal lacks what its type needs, or has what none has."""
    if signal.model_extra:
        raise _unknown(signal.model_extra)
    needed = _NEEDED.get(signal.type)
    if needed and not (getattr(signal, needed) or "").strip():
        raise _lacking(signal.type, needed)
    kind, own_fields = _COMMANDS[signal.type]
    foreign = [n for n in sorted(signal.model_fields_set - _OF_ALL - set(own_fields)) if getattr(signal, n)]
    if foreign:
        raise _not_of_its_type(signal, foreign)
    fields: dict[str, Any] = {name: getattr(signal, name) for name in own_fields}
    return kind(
        caller=caller,
        signal_id=signal_id,
        reason=signal.reason,
        issued_by=signal.issued_by,
        metadata=signal.metadata,
        **fields,
    )


def _unknown(fields: dict[str, Any]) -> Refused:
    """A pause whose `pause_untill` is passed over would last for ever."""
    return invalid(*({"field": f"signal.{n}", "value": shortened(v), "reason": _meant(n)} for n, v in fields.items()))


def _not_of_its_type(signal: Signal, names: list[str]) -> Refused:
    """A cancel with a `step_id` would end more than its sender means."""
    own = ", ".join([*_COMMANDS[signal.type][1], *sorted(_OF_ALL)])
    reason = f"A signal of type {signal.type} has only {own}"
    sent = signal.model_dump(mode="json", include=set(names))
    return invalid(*({"field": f"signal.{n}", "value": shortened(sent[n]), "reason": reason} for n in names))


def _meant(name: str) -> str:
    known = list(Signal.model_fields)
    near = get_close_matches(name, known, 1)
    return f"A signal has no such field. Is {near[0]!r} meant?" if near else f"A signal has only {', '.join(known)}"


def _lacking(signal_type: str, field: str) -> Refused:
    return Refused(
        Code.VALIDATION_ERROR,
        "Request validation failed",
        field=f"signal.{field}",
        value=None,
        reason=f"A signal of type {signal_type} needs {field}",
    )
