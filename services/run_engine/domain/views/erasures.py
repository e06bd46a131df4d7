"""The answer to an erasure."""

from collections.abc import Sequence

from contracts.events import EncryptedDataErased, Event
from services.run_engine.domain.state import RunState
from services.run_engine.domain.views.timeline import View, timeline_entry


def erasure_view(state: RunState, events: Sequence[Event]) -> View:
    """`timeline_entry` is null where there was nothing to erase."""
    erased = next((event for event in events if isinstance(event, EncryptedDataErased)), None)
    return {
        "run_id": state.run_id,
        "erased_fields": erased.fields if erased is not None else [],
        "keys_destroyed": erased.key_ids if erased is not None else [],
        "timeline_entry": timeline_entry(erased) if erased is not None else None,
    }
