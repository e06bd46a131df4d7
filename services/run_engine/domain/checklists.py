"""Lists of things to do or to look at, which a completion may send with what came of each."""

from collections.abc import Mapping
from typing import Any

from services.run_engine.domain.loose import items, texts
from services.run_engine.domain.violations import Violation, violation

CHECKED = ("task_checklist", "review_checklist", "initial_actions")
"""Each item of these is checked off, where the completion sends the list."""
_DONE_MARKS = ("completed", "done", "checked")


def open_items(metadata: Mapping[str, Any], data: Mapping[str, Any]) -> list[Violation]:
    """Of a completion that sends a list: the items that it leaves open, and the points that it tells no result of."""
    found = [
        v for name in CHECKED for v in _open(name, metadata, data, _done, "is done", "The item is not checked off")
    ]
    return found + _open("inspection_points", metadata, data, _inspected, "has a result", "The point has no result")


def _open(
    name: str, metadata: Mapping[str, Any], data: Mapping[str, Any], settled: Any, state: str, reason: str
) -> list[Violation]:
    sent = data.get(name)
    if sent is None:
        return []
    known = settled(sent)
    missing = [item for item in texts(metadata.get(name)) if item not in known]
    return [violation(name, f"{item} {state}", None, item=item, reason=reason) for item in missing]


def _done(sent: Any) -> set[str]:
    """Items checked off: `["a"]`, `{"a": true}` or `[{"item": "a", "completed": true}]`."""
    if isinstance(sent, dict):
        return {item for item, mark in sent.items() if mark is True}
    marked = {_name(entry) for entry in items(sent) if isinstance(entry, dict) and _is_marked(entry)}
    return marked | set(texts(sent))


def _is_marked(entry: Mapping[str, Any]) -> bool:
    return any(entry.get(mark) is True for mark in _DONE_MARKS)


def _inspected(sent: Any) -> set[str]:
    """Points with a result, whichever: `{"a": "pass"}`, `[{"point": "a", "result": 4.1}]`, or just `["a"]`."""
    if isinstance(sent, dict):
        return {point for point, result in sent.items() if result not in (None, "")}
    told = {_name(e) for e in items(sent) if isinstance(e, dict) and e.get("result") not in (None, "")}
    return told | set(texts(sent))


def _name(entry: Mapping[str, Any]) -> str:
    return next((str(entry[key]) for key in ("item", "point", "name") if key in entry), "")
