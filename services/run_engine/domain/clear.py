"""Encrypted values as the core meets them.

They stay encrypted in states, commands and events; so nothing that comes of a decision can hold a clear one. What
conditions and contracts look at is told beside: the clear values, by the field's name and ciphertext. An encrypted
value that stands under another name than its own, wherever somebody put it, stays closed.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from contracts.encrypted import encrypted_in, is_encrypted
from contracts.values import Json
from services.run_engine.domain.state import RunState


class _Gone:
    """Of a value whose key was destroyed."""

    def __repr__(self) -> str:
        return "erased"


GONE = _Gone()
Clear = Mapping[tuple[str, str], Json]
"""By the name of the field and the ciphertext: the clear value, or GONE."""
NOTHING: Clear = {}


def nothing() -> Clear:
    return NOTHING


def clear(name: str, value: Any, values: Clear) -> Any:
    """Returns what the value of the field of that name holds; the very object where it is not encrypted as that one."""
    return values.get((name, value["ciphertext"]), value) if values and is_encrypted(value) else value


def cleared_throughout(value: Any, values: Clear) -> Any:
    """The value with what is encrypted in it, at any depth, in clear; the very object where nothing is."""
    if is_encrypted(value) or not isinstance(value, dict | list):
        return value
    items: list[tuple[Any, Any]] = list(value.items() if isinstance(value, dict) else enumerate(value))
    made: dict[Any, Any] = {key: _cleared_item(key, item, values) for key, item in items}
    if all(made[key] is item for key, item in items):
        return value
    return made if isinstance(value, dict) else list(made.values())


def _cleared_item(key: Any, item: Any, values: Clear) -> Any:
    return clear(key, item, values) if is_encrypted(item) else cleared_throughout(item, values)


def is_hidden(value: Any) -> bool:
    """Whether something in it is erased, or encrypted and not told."""
    if isinstance(value, dict):
        return is_encrypted(value) or any(map(is_hidden, value.values()))
    return any(map(is_hidden, value)) if isinstance(value, list) else value is GONE


def cleared(data: Mapping[str, Any], values: Clear) -> Mapping[str, Any]:
    """Data for the eyes of a contract; what was erased is null."""
    if not values:
        return data
    shown = {name: clear(name, value, values) for name, value in data.items()}
    return {name: None if value is GONE else value for name, value in shown.items()}


def encrypted_of(state: RunState, names: frozenset[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """All encrypted values of a run, with the names of their fields."""
    yield from encrypted_in(state.data, names)
    for step in state.steps.values():
        yield from encrypted_in(step.data, names)
        for vote in step.approvals:
            yield from encrypted_in(vote.data, names)
