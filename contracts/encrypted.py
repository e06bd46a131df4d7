"""Where encrypted values stand in data: under the names of fields that a playbook marks encrypted, at any depth."""

from collections.abc import Callable, Collection, Iterator
from typing import Any

MARK = "$encrypted"
_PARTS = ("key_id", "nonce", "ciphertext")
MASK = "********"
"""What is shown in place of a value to those who may not read it."""
ERASED = "[erased]"
"""What is shown in place of a value whose key was destroyed."""
UNREADABLE = "[unreadable]"
"""What is shown in place of a value that was tampered with, whose key is missing, or that is not its field's own."""


def is_encrypted(value: Any) -> bool:
    return isinstance(value, dict) and MARK in value and all(isinstance(value.get(name), str) for name in _PARTS)


def holds_encrypted(value: Any) -> bool:
    """Returns whether an encrypted value stands anywhere in it."""
    if isinstance(value, dict):
        return is_encrypted(value) or any(holds_encrypted(item) for item in value.values())
    return isinstance(value, list) and any(holds_encrypted(item) for item in value)


def named_in(data: Any, names: Collection[str]) -> Iterator[tuple[str, Any]]:
    """The values under these names, with their names; what a value holds is not looked into."""
    if isinstance(data, dict):
        for name, value in data.items():
            if name in names:
                yield name, value
            elif isinstance(value, dict | list):
                yield from named_in(value, names)
    elif isinstance(data, list):
        for item in data:
            if isinstance(item, dict | list):
                yield from named_in(item, names)


def encrypted_in(data: Any, names: Collection[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    return ((name, value) for name, value in named_in(data, names) if is_encrypted(value))


def with_values(data: Any, names: Collection[str], made: Callable[[str, Any], Any]) -> Any:
    """The data with what `made` gives for each name and value in place of the values under these names."""
    if isinstance(data, dict):
        return {name: made(name, v) if name in names else with_values(v, names, made) for name, v in data.items()}
    if isinstance(data, list):
        return [with_values(item, names, made) for item in data]
    return data


def with_placeholder(data: Any, placeholder: str) -> Any:
    """Returns the data with the placeholder in place of every encrypted value, whatever its name; where there is none,
    the very object."""
    if is_encrypted(data):
        return placeholder
    if not isinstance(data, dict | list):
        return data
    items: list[tuple[Any, Any]] = list(data.items() if isinstance(data, dict) else enumerate(data))
    made: dict[Any, Any] = {key: with_placeholder(item, placeholder) for key, item in items}
    if all(made[key] is item for key, item in items):
        return data
    return made if isinstance(data, dict) else list(made.values())


def without_encrypted(data: Any) -> Any:
    """The data with everything left out that is encrypted, whatever its name."""
    if isinstance(data, dict):
        return {name: without_encrypted(value) for name, value in data.items() if not is_encrypted(value)}
    if isinstance(data, list):
        return [without_encrypted(item) for item in data if not is_encrypted(item)]
    return data
