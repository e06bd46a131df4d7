"""State and new events in the shapes of the public API's responses."""

from services.run_engine.domain.views.assignments import assignment_view
from services.run_engine.domain.views.completions import completion_view
from services.run_engine.domain.views.erasures import erasure_view
from services.run_engine.domain.views.masking import masked_run, revealed_run
from services.run_engine.domain.views.runs import progress_percentage, run_created_view, run_view, update_view
from services.run_engine.domain.views.signals import signal_view
from services.run_engine.domain.views.steps import step_view
from services.run_engine.domain.views.tasks import task_view
from services.run_engine.domain.views.timeline import timeline_entry
from services.run_engine.domain.views.waiting import waiting_view

__all__ = [
    "assignment_view",
    "completion_view",
    "erasure_view",
    "masked_run",
    "progress_percentage",
    "revealed_run",
    "run_created_view",
    "run_view",
    "signal_view",
    "step_view",
    "task_view",
    "timeline_entry",
    "update_view",
    "waiting_view",
]
