"""`encrypted` where nothing reads it, or misspelled: refused, for a secret would be stored in plaintext."""

import re
from collections.abc import Iterable, Iterator, Mapping
from difflib import SequenceMatcher
from functools import lru_cache
from typing import Any

from contracts.definitions import PlaybookDraft, StepDraft
from contracts.playbook_metadata import OWN
from services.playbook_registry.domain.faults import Fault, invalid

MARK = "encrypted"
_WORDS = (MARK, "encrypt")
_ALIKE = 0.75
"""Of difflib's ratio: `encryptd`, `is_encrypted` and `Encrypted` are similar; `description` and `accepted` are not."""
_FIELDS = ("form_fields", "required_outputs")
"""The lists of a step's metadata whose items may be marked."""
_MISSPELLED = (
    "Unknown field that looks like 'encrypted', without which values are stored in plaintext: write 'encrypted'."
    " The names of your own fields may begin with x_"
)
_MISPLACED = (
    "It has no effect here, and values would be stored in plaintext: only an item of form_fields or required_outputs of"
    " a step's metadata can be encrypted"
)


def faults(draft: PlaybookDraft) -> Iterator[Fault]:
    yield from _of_others(draft.model_extra or {}, "playbook")
    yield from _within(draft.metadata, "playbook.metadata")
    for index, step in enumerate(draft.steps):
        yield from _of_step(step, f"steps[{index}]")


def _of_step(step: StepDraft, path: str) -> Iterator[Fault]:
    yield from _of_others(step.model_extra or {}, path)
    for name, value in step.metadata.items():
        here = f"{path}.metadata.{name}"
        if name in _FIELDS and isinstance(value, list):
            for index, field in enumerate(value):
                yield from _of_field(field, f"{here}[{index}]")
        else:
            yield from _within(value, here)


def _of_others(fields: Mapping[str, Any], path: str) -> Iterator[Fault]:
    """Of the fields that a playbook or a step has beyond the known ones."""
    yield from _marked(fields, path)
    for name, value in fields.items():
        yield from _within(value, f"{path}.{name}")


def _of_field(field: Any, path: str) -> Iterator[Fault]:
    """Whatever its value is: who writes `encryptd: false` today writes true tomorrow."""
    if not isinstance(field, dict):
        return
    for name in field:
        if name != MARK and is_like_mark(name):
            yield invalid(f"{path}.{name}", field[name], _MISSPELLED)
    for name, value in field.items():
        yield from _within(value, f"{path}.{name}")


def _within(value: Any, path: str) -> Iterator[Fault]:
    """Looks through what only seems to be a field: an object with a name, wherever it stands."""
    items: Iterable[tuple[Any, Any]] = ()
    if isinstance(value, dict):
        items = ((f".{name}", item) for name, item in value.items())
        if "name" in value:
            yield from _marked(value, path)
    elif isinstance(value, list):
        items = ((f"[{index}]", item) for index, item in enumerate(value))
    for place, item in items:
        yield from _within(item, f"{path}{place}")


def _marked(fields: Mapping[str, Any], path: str) -> Iterator[Fault]:
    for name, value in fields.items():
        if value and is_like_mark(name):
            yield invalid(f"{path}.{name}", value, _MISPLACED)


@lru_cache(maxsize=4096)
def is_like_mark(name: str) -> bool:
    if name.startswith(OWN):
        return False
    letters = re.sub("[^a-z]", "", name[:100].lower()).removeprefix("is")
    return any(SequenceMatcher(None, letters, word).ratio() >= _ALIKE for word in _WORDS)
