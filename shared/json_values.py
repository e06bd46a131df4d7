"""What JSON from outside may hold that a document of ours can't: found here, with its path, before it is written."""

from math import isfinite
from typing import Any

from contracts.encrypted import MARK
from contracts.rejections import Code
from shared.errors import Refused

MAX_DEPTH = 50
_INT64 = 2**63
_TO_CHECK = (dict, list, int, float)


def storable(value: Any, path: str = "") -> None:
    """Checks what a client, another system or a machine has sent.

    Raises Refused (VALIDATION_ERROR, with the path) for a number beyond 64 bits, NUL in a key, deep nesting, or an
    encrypted value: this system alone makes those, and whoever sends one has taken it out of a run's evidence.
    """
    _check(value, path, 0)


def _check(value: Any, path: str, depth: int) -> None:
    if isinstance(value, dict):
        _check_object(value, path, depth)
    elif isinstance(value, list):
        _check_depth(path, depth)
        for index, item in enumerate(value):
            if isinstance(item, _TO_CHECK):
                _check(item, f"{path}[{index}]", depth + 1)
    elif isinstance(value, int) and not -_INT64 <= value < _INT64:
        raise _refusal(path, "Integers must fit in 64 bits; send larger ones as text")
    elif isinstance(value, float) and not isfinite(value):
        raise _refusal(path, "Numbers must fit in 64 bits; send larger ones as text")


def _check_object(value: dict[str, Any], path: str, depth: int) -> None:
    _check_depth(path, depth)
    if MARK in value:
        raise _refusal(path, "An encrypted value can't be sent: send the value itself, or leave the field out")
    for key, item in value.items():
        if "\0" in key:
            raise _refusal(path, "A field's name must not hold a NUL character")
        if isinstance(item, _TO_CHECK):
            _check(item, f"{path}.{key}" if path else key, depth + 1)


def _check_depth(path: str, depth: int) -> None:
    if depth == MAX_DEPTH:
        raise _refusal(path, f"Nested deeper than {MAX_DEPTH} levels")


def _refusal(path: str, reason: str) -> Refused:
    return Refused(Code.VALIDATION_ERROR, "Request validation failed", field=path or "body", reason=reason)


def refusal_sentence(refused: Refused) -> str:
    """What `storable` found, in one line, for those who answer with no rejection."""
    details = refused.rejection.details
    return f"{details['field']}: {details['reason']}"
