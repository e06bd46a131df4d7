"""Timeline entries as they stand inside responses."""

from datetime import datetime
from typing import Any

from contracts.entries import details, event_type
from contracts.events import Event, RunCreated, StepCompleted, StepStarted
from contracts.values import rfc3339
from services.run_engine.domain.loose import whole

View = dict[str, Any]


def present(view: View) -> View:
    """Without the keys that hold nothing."""
    return {key: value for key, value in view.items() if value is not None}


def moment(value: datetime | None) -> str | None:
    return rfc3339(value) if value is not None else None


def timeline_entry(event: Event) -> View:
    step = getattr(event, "sequence", None)
    return {
        "timestamp": rfc3339(event.at),
        "event": event_type(type(event).__name__),
        **({"step": step} if step is not None else {}),
        "actor": event.actor.id,
        "details": _details(event),
    }


def _details(event: Event) -> View:
    """As the timeline has them; in fewer words where the reference shows fewer."""
    match event:
        case RunCreated():
            entity = event.context.get("entity_name") or event.context.get("entity_id")
            return present({"playbook_name": event.playbook.name, "entity": entity})
        case StepCompleted():
            words = {"step_name": event.step_name, "duration_minutes": whole(event.duration_minutes)}
            return present({**words, "outcome": event.outcome, "on_behalf_of": event.on_behalf_of})
        case StepStarted():
            return {"step_name": event.step_name}
    return details(type(event).__name__, event.model_dump(mode="json"))
