"""One thing that is wrong with a draft, and the rejection that several of them make."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from contracts.rejections import Code, Rejection


@dataclass(frozen=True, slots=True)
class Fault:
    code: Code
    message: str
    details: dict[str, Any]


def invalid(field: str, value: Any, reason: str, message: str = "Playbook validation failed") -> Fault:
    """A VALIDATION_ERROR; `field` is the path as the reference has it: `playbook.name`, but `steps[0].name`."""
    shown = value if len(repr(value)) <= 200 else f"{repr(value)[:200]}…"
    return Fault(Code.VALIDATION_ERROR, message, {"field": field, "value": shown, "reason": reason})


def rejection(faults: Sequence[Fault]) -> Rejection:
    """The first in the details; all of them in `details.errors` where there is more than one."""
    first = faults[0]
    if len(faults) == 1:
        return Rejection(code=first.code, message=first.message, details=first.details)
    return Rejection(code=first.code, message=first.message, details={**first.details, "errors": listed(faults)})


def listed(faults: Sequence[Fault]) -> list[dict[str, Any]]:
    return [{"code": fault.code.value, "message": fault.message, **fault.details} for fault in faults]
