"""Timeline entries as they stand inside responses."""

import re
from datetime import datetime
from functools import lru_cache
from typing import Any

from contracts.events import Event, RunCreated, RunPaused, StepCompleted, StepStarted
from contracts.values import rfc3339
from services.run_engine.domain.loose import whole

View = dict[str, Any]


def present(view: View) -> View:
    """Without the keys that hold nothing."""
    return {key: value for key, value in view.items() if value is not None}


def moment(value: datetime | None) -> str | None:
    return rfc3339(value) if value is not None else None


@lru_cache(maxsize=64)
def event_word(kind: type[Event]) -> str:
    """`step_completed` for StepCompleted."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", kind.__name__).lower()


def timeline_entry(event: Event) -> View:
    step = getattr(event, "sequence", None)
    return {
        "timestamp": rfc3339(event.at),
        "event": event_word(type(event)),
        **({"step": step} if step is not None else {}),
        "actor": event.actor.id,
        "details": _details(event),
    }


_TOLD = (
    "step_name", "outcome", "reason", "assigned_to", "previous", "roles_added", "vote", "user", "to_step", "steps",
    "fields_updated", "update_type", "event_name", "fields",
)  # fmt: skip


def _details(event: Event) -> View:
    match event:
        case RunCreated():
            entity = event.context.get("entity_name") or event.context.get("entity_id")
            return present({"playbook_name": event.playbook.name, "entity": entity})
        case StepCompleted():
            words = {"step_name": event.step_name, "duration_minutes": whole(event.duration_minutes)}
            return {**words, "outcome": event.outcome}
        case StepStarted():
            return {"step_name": event.step_name}
        case RunPaused():
            return present({"reason": event.signal.reason, "resume_date": moment(event.pause_until)})
    signal = getattr(event, "signal", None)
    told = {name: getattr(event, name, None) for name in _TOLD}
    return present({**told, "reason": told["reason"] or getattr(signal, "reason", None)})
