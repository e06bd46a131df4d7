"""A run's events as the timeline endpoint shows them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from contracts.entries import entry, is_system_event
from contracts.envelope import Envelope
from contracts.registry import upcast
from services.timeline.domain.summary import summary


def legible(documents: Iterable[Mapping[str, Any]]) -> list[Envelope]:
    """The events with payloads of the current version. What somebody has made unreadable can't be shown: it is for the
    check of the chain to tell."""
    return [event for event in map(_current, documents) if event is not None]


def view(run_id: str, events: Sequence[Envelope], include_system_events: bool) -> dict[str, Any]:
    """The data of the public API's timeline endpoint."""
    shown = [entry(event) for event in events if include_system_events or not is_system_event(event)]
    return {"run_id": run_id, "timeline": shown, "summary": summary(shown, events)}


def _current(document: Mapping[str, Any]) -> Envelope | None:
    try:
        event = Envelope.model_validate(document)
        return event.model_copy(update={"data": upcast(event.type, event.version, event.data)})
    except (KeyError, TypeError, ValueError):
        return None
