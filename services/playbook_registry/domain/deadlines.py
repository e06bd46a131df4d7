"""What a playbook's or a step's metadata says of time: escalation, reminders, response times, the calendar."""

from collections.abc import Container, Iterator, Mapping
from typing import Any

from contracts.calendars import AROUND_THE_CLOCK, DEFAULT
from contracts.definitions import PlaybookDraft
from services.playbook_registry.domain.faults import Fault, invalid
from services.playbook_registry.domain.values import HOURS, MINUTES, OBJECT, TEXT, TEXTS, Rule, broken

MAX_REMINDERS = 10
_METADATA: dict[str, Rule] = {"escalation": OBJECT, "response_sla": OBJECT, "calendar": TEXT}
_ESCALATION: dict[str, Rule] = {"after_hours": HOURS, "escalate_to": TEXTS}
_UNITS: dict[str, Rule] = {"before_minutes": MINUTES, "before_hours": HOURS}


def faults(metadata: Mapping[str, Any], path: str) -> Iterator[Fault]:
    yield from broken(_METADATA, metadata, path)
    if isinstance(metadata.get("escalation"), dict):
        yield from broken(_ESCALATION, metadata["escalation"], f"{path}.escalation")
    if isinstance(metadata.get("response_sla"), dict):
        minutes = metadata["response_sla"]
        yield from broken(dict.fromkeys(minutes, MINUTES), minutes, f"{path}.response_sla")
    if metadata.get("reminders") is not None:
        yield from _reminders(metadata["reminders"], f"{path}.reminders")


def unknown_calendars(draft: PlaybookDraft, known: Container[str]) -> Iterator[Fault]:
    """The default may be set later, and stands for every hour until then."""
    metadata = [
        ("playbook.metadata", draft.metadata),
        *((f"steps[{i}].metadata", s.metadata) for i, s in enumerate(draft.steps)),
    ]
    for path, values in metadata:
        name = values.get("calendar")
        if isinstance(name, str) and name not in (DEFAULT, AROUND_THE_CLOCK) and name not in known:
            reason = (
                f"The organization has no calendar of this name; PUT it first, or name {DEFAULT} or {AROUND_THE_CLOCK}"
            )
            yield invalid(f"{path}.calendar", name, reason)


def _reminders(reminders: Any, path: str) -> Iterator[Fault]:
    if not isinstance(reminders, list) or len(reminders) > MAX_REMINDERS:
        yield invalid(path, reminders, f"reminders must be a list of {MAX_REMINDERS} at most")
        return
    for index, reminder in enumerate(reminders):
        yield from _reminder(reminder, f"{path}[{index}]")


def _reminder(reminder: Any, path: str) -> Iterator[Fault]:
    units = [name for name in _UNITS if isinstance(reminder, dict) and name in reminder]
    if len(units) != 1 or len(reminder) != 1:
        yield invalid(path, reminder, 'A reminder says how long before the due date, such as {"before_hours": 4}')
        return
    yield from broken(_UNITS, {units[0]: reminder[units[0]] or 0}, path)
