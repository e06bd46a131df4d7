"""From a signal, as REST and Kafka both carry it, to the command that it asks for."""

from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any, get_args

from pydantic_core import to_jsonable_python

from contracts import commands
from contracts.commands import SignalCommand
from contracts.signals import Signal, SignalType
from contracts.values import Caller
from shared.http import invalid, shortened

Problem = dict[str, Any]
"""`field`, `value` and `reason`."""
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
    wrong = signal_faults(dict(signal))
    if wrong:
        raise invalid(*wrong)
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


def signal_faults(sent: Any) -> list[Problem]:
    """All that is wrong with a signal as one of its type, as far as it can be told where the shape is wrong as well."""
    if not isinstance(sent, dict):
        return []
    faults = [_fault(name, value, _meant(name)) for name, value in sent.items() if name not in Signal.model_fields]
    signal_type: Any = sent.get("type")
    if signal_type in get_args(SignalType):
        faults += [*_lacking(signal_type, sent), *_not_of_its_type(signal_type, sent)]
    return faults


def _fault(field: str, value: Any, reason: str) -> Problem:
    return {"field": f"signal.{field}", "value": shortened(to_jsonable_python(value)), "reason": reason}


def _meant(name: str) -> str:
    """A pause whose `pause_untill` is passed over would last for ever."""
    known = list(Signal.model_fields)
    near = get_close_matches(name[:100], known, 1)
    return f"A signal has no such field. Is {near[0]!r} meant?" if near else f"A signal has only {', '.join(known)}"


def _lacking(signal_type: SignalType, sent: dict[str, Any]) -> Iterator[Problem]:
    needed = _NEEDED.get(signal_type)
    value = sent.get(needed) if needed else None
    if needed and (value is None or (isinstance(value, str) and not value.strip())):
        yield _fault(needed, None, f"A signal of type {signal_type} needs {needed}")


def _not_of_its_type(signal_type: SignalType, sent: dict[str, Any]) -> Iterator[Problem]:
    """A cancel with a `step_id` would end more than its sender means."""
    own = [*_COMMANDS[signal_type][1], *sorted(_OF_ALL)]
    for name in sorted(Signal.model_fields.keys() & sent.keys() - set(own)):
        if sent[name]:
            yield _fault(name, sent[name], f"A signal of type {signal_type} has only {', '.join(own)}")
