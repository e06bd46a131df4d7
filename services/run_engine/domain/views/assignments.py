"""The answers to a claim and a release."""

from collections.abc import Sequence

from contracts.events import Event
from contracts.values import Caller
from services.run_engine.domain.situation import Situation
from services.run_engine.domain.state import RunState
from services.run_engine.domain.views.open_steps import open_step_view
from services.run_engine.domain.views.timeline import View, timeline_entry


def assignment_view(
    state: RunState, situation: Situation, step_id: str, events: Sequence[Event], caller: Caller
) -> View:
    """The step with what it takes to work on it; `timeline_entry` is null where it was so already."""
    return {
        "run_id": state.run_id,
        **open_step_view(state, step_id, situation, caller),
        "assigned_to": state.steps[step_id].assigned_to,
        "timeline_entry": timeline_entry(events[0]) if events else None,
    }
