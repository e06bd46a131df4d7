"""State and new events in the shapes of the public API's responses."""

from services.run_engine.domain.views.completions import completion_view, masked
from services.run_engine.domain.views.runs import progress_percentage, run_created_view, run_view
from services.run_engine.domain.views.signals import signal_view
from services.run_engine.domain.views.tasks import task_view
from services.run_engine.domain.views.timeline import timeline_entry

__all__ = [
    "completion_view",
    "masked",
    "progress_percentage",
    "run_created_view",
    "run_view",
    "signal_view",
    "task_view",
    "timeline_entry",
]
