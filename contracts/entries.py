"""One event as the outside sees it: an entry of the timeline, and what a webhook carries."""

import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from contracts.envelope import Envelope
from contracts.events import HOUSEKEEPING
from contracts.values import Actor, rfc3339

Payload = Mapping[str, Any]
Entry = dict[str, Any]
_NOBODY = Actor(id="unknown", type="system")


def entry(event: Envelope) -> Entry:
    """`event` has a payload of the current version. What says nothing is left out: null, an empty list, a false flag.

    A payload that does not hold what its kind must hold is still shown as having happened, without details.
    """
    shown: Entry = {"timestamp": rfc3339(event.time), "event_type": event_type(event.type)}
    step_sequence = event.data.get("step_sequence") or event.data.get("sequence")
    if step_sequence is not None:
        shown["step_sequence"] = step_sequence
    actor = _actor(event.data)
    shown |= {
        "actor": actor.id,
        "actor_type": actor.type,
        "details": details(event.type, event.data),
        "smart_code": f"HERA.PLAYBOOK.EVENT.{event_type(event.type).upper()}.v1",
    }
    return shown | {"is_system_event": True} if is_system_event(event) else shown


def is_system_event(event: Envelope) -> bool:
    return event.type in HOUSEKEEPING


def _actor(data: Payload) -> Actor:
    try:
        return Actor.model_validate(data.get("actor"))
    except ValueError:
        return _NOBODY


def details(name: str, data: Payload) -> dict[str, Any]:
    """What an event of that name says beside who, when and where."""
    try:
        told = _DETAILS[name](data)
    except (KeyError, TypeError, AttributeError):
        return {"problem": f"The event is not a valid {name}"}
    return {name: value for name, value in told.items() if value is not None and value != []}


@cache
def event_type(name: str) -> str:
    """`step_completed` for StepCompleted."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def _fields(*names: str) -> Callable[[Payload], dict[str, Any]]:
    """Details that are fields of the event under their own names."""

    def details(data: Payload) -> dict[str, Any]:
        return {name: _whole(data.get(name)) for name in names}

    return details


def _whole(value: Any) -> Any:
    """30 for 30.0, 33.3 for 33.3333: minutes with one digit after the point at most."""
    if not isinstance(value, float):
        return value
    value = round(value, 1)
    return int(value) if value == int(value) else value


def _created(data: Payload) -> dict[str, Any]:
    context = data["context"]
    return {
        "playbook_name": data["playbook"]["name"],
        "entity_type": context.get("entity_type"),
        "entity_name": context.get("entity_name"),
    }


def _started(data: Payload) -> dict[str, Any]:
    roles = None if data.get("assigned_to") or data.get("candidates") else data.get("assignee_roles")
    again = data["attempt"] if data["attempt"] > 1 else None
    shown = _fields("step_name", "assigned_to")(data) | {"auto_assigned": data.get("auto_assigned") or None}
    shown |= {"candidates": data.get("candidates")}
    return shown | {"assignee_roles": roles, "attempt": again, "calendar": data.get("calendar")}


def _completed(data: Payload) -> dict[str, Any]:
    on_behalf = data["completed_by"] if data["completed_by"] != data["actor"]["id"] else None
    shown = _fields("step_name", "outcome", "duration_minutes")(data)
    shown |= {"on_behalf_of": data.get("on_behalf_of")}
    return shown | {"completed_by": on_behalf, "sla_breached": data.get("sla_breached") or None}


def _unmet(data: Payload) -> dict[str, Any]:
    """Reasons only: the values that were looked at may be nobody else's business."""
    reasons = [unmet["reason"] for unmet in data.get("unmet", ())]
    return {"step_name": data["step_name"], "reason": data.get("reason"), "unmet_conditions": reasons}


def _attempt_failed(data: Payload) -> dict[str, Any]:
    retry = data.get("retry") or {}
    return _fields("step_name", "attempt_number", "error")(data) | {"retry_at": retry.get("due_at")}


def _signalled(*names: str) -> Callable[[Payload], dict[str, Any]]:
    """Details of an event that a signal caused: the signal's reason first."""

    def details(data: Payload) -> dict[str, Any]:
        return {"reason": (data.get("signal") or {}).get("reason"), **_fields(*names)(data)}

    return details


def _paused(data: Payload) -> dict[str, Any]:
    return {"reason": data["signal"]["reason"], "resume_date": data.get("pause_until")}


_DETAILS: dict[str, Callable[[Payload], dict[str, Any]]] = {
    "RunCreated": _created,
    "StepStarted": _started,
    "StepCompleted": _completed,
    "StepFailed": _fields("step_name", "reason", "duration_minutes", "failed_by", "on_behalf_of"),
    "StepSkipped": _unmet,
    "StepBlocked": _unmet,
    "StepCancelled": _fields("step_name", "reason"),
    "StepsReturned": _fields("from_step", "to_step", "reset"),
    "StepRetried": _fields("step_name", "reason"),
    "StepAssigned": _fields("step_name", "assigned_to", "previous", "reason", "on_behalf_of"),
    "StepOffered": _fields("step_name", "candidates", "previous"),
    "StepReleased": _fields("step_name", "previous", "reason", "on_behalf_of"),
    "StepEscalated": _fields("step_name", "roles_added", "assigned_to", "reason"),
    "StepOverdue": _fields("step_name", "due_at"),
    "RunOverdue": _fields("due_at"),
    "ReminderDue": _fields("step_name", "due_at", "assigned_to", "candidates", "assignee_roles"),
    "ApprovalRecorded": _fields("step_name", "user", "vote", "roles", "on_behalf_of"),
    "AutomationRequested": _fields("step_name", "job_id", "attempt_number"),
    "AutomationAttemptFailed": _attempt_failed,
    "AutomationFellBack": _fields("step_name", "reason"),
    "LateResultRecorded": _fields("step_name", "job_id", "outcome", "step_status"),
    "DataUpdated": _fields("fields_updated", "update_type", "event_name"),
    "EncryptedDataErased": _fields("fields", "reason"),
    "RunPaused": _paused,
    "RunResumed": _signalled("paused_seconds"),
    "RunBlocked": _fields("steps"),
    "RunUnblocked": _fields("steps"),
    "RunCompleted": _fields("outcome", "duration_minutes", "sla_met"),
    "RunFailed": _fields("reason", "step_id", "duration_minutes"),
    "RunReopened": _signalled(),
    "RunCancelled": _signalled("duration_minutes"),
    "NotificationSent": _fields("recipient", "notification_type", "channel", "step_id", "on_behalf_of"),
    "NotificationFailed": _fields("recipient", "notification_type", "channel", "step_id", "on_behalf_of", "reason"),
}
"""By event. A test walks the registered events and says which one has none."""
