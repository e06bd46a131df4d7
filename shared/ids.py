"""The one place that makes ids."""

import uuid

_NAMESPACE = uuid.UUID("8a6e0804-2bd0-4672-b79d-d97027f9071a")


def new_id(prefix: str) -> str:
    """A fresh id such as `run_6f1c…`; the prefix says what it names."""
    return f"{prefix}_{uuid.uuid4()}"


def stable_id(prefix: str, *parts: str) -> str:
    """The same id for the same parts, wherever and whenever it is asked for."""
    return f"{prefix}_{uuid.uuid5(_NAMESPACE, chr(31).join(parts))}"
