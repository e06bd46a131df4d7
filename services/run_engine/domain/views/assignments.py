"""The answers to a claim and a release."""

from collections.abc import Sequence

from contracts.definitions import PlaybookDefinition
from contracts.events import Event
from contracts.values import Caller
from services.run_engine.domain.plan import plan_of
from services.run_engine.domain.state import RunState
from services.run_engine.domain.views.completions import open_step_view
from services.run_engine.domain.views.masking import seen_by
from services.run_engine.domain.views.timeline import View, timeline_entry


def assignment_view(
    state: RunState, definition: PlaybookDefinition, step_id: str, events: Sequence[Event], caller: Caller
) -> View:
    """The step with what it takes to work on it; `timeline_entry` is null where it was so already."""
    plan = plan_of(definition)
    return {
        "run_id": state.run_id,
        **open_step_view(seen_by(caller, state, plan), step_id, plan, caller),
        "assigned_to": state.steps[step_id].assigned_to,
        "timeline_entry": timeline_entry(events[0]) if events else None,
    }
