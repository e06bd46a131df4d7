"""Form fields and required outputs: what a completion's data must hold, and what it is given where it is silent."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from contracts.definitions import TODAY
from contracts.values import Attachment
from services.run_engine.domain.field_values import Field, faults, kind_of
from services.run_engine.domain.loose import items, mapping, text
from services.run_engine.domain.patterns import Tries
from services.run_engine.domain.violations import Violation, violation


def _fields(metadata: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [mapping(field) for field in items(metadata.get("form_fields"))]


def with_defaults(
    metadata: Mapping[str, Any], data: dict[str, Any], known: Mapping[str, Any], now: datetime
) -> dict[str, Any]:
    """The data and, of each field that neither it nor the run's data names, the `default`."""
    missing = {
        field["name"]: now.date().isoformat() if _is_todays(field) else field["default"]
        for field in _fields(metadata)
        if field.get("default") is not None and text(field.get("name"))
        if field["name"] not in data and field["name"] not in known
    }
    return {**data, **missing} if missing else data


def _is_todays(field: Field) -> bool:
    return field["default"] == TODAY and kind_of(field) == "date"


def form_violations(
    metadata: Mapping[str, Any], data: Mapping[str, Any], attachments: list[Attachment], now: datetime, tries: Tries
) -> list[Violation]:
    """`now` lies in the zone whose day is `today`."""
    fields = [field for field in _fields(metadata) if text(field.get("name"))]
    return [found for field in fields for found in _field(field, data, attachments, now, tries)]


def _field(
    field: Field, data: Mapping[str, Any], attachments: list[Attachment], now: datetime, tries: Tries
) -> Iterator[Violation]:
    value = data.get(field["name"])
    if is_empty(value):
        handed_in = kind_of(field) == "file" and field["name"] in documents_of(attachments)
        if field.get("required") is True and not handed_in:
            yield _wrong(field, "required", value, "The field is required")
        return
    for condition, reason in faults(field, value, now, tries):
        yield _wrong(field, condition, value, reason)


def is_empty(value: Any) -> bool:
    """Nothing, blank, or a list of nothing: no answer to a field that is required."""
    return value is None or value == [] or (isinstance(value, str) and not value.strip())


def _wrong(field: Field, condition: str, actual: Any, reason: str) -> Violation:
    shown = None if field.get("encrypted") is True else actual
    return violation("form_field", f"{field['name']}: {condition}", shown, field=field["name"], reason=reason)


def output_violations(
    metadata: Mapping[str, Any], data: Mapping[str, Any], attachments: list[Attachment], now: datetime, tries: Tries
) -> list[Violation]:
    """Of `required_outputs`: each must be in the data, of its type; a document may be an attachment instead."""
    found = []
    for output in items(metadata.get("required_outputs")):
        spec = output if isinstance(output, dict) else {"name": output}
        if text(spec.get("name")) is not None:
            wrong = _field({**spec, "required": True}, data, attachments, now, tries)
            found += [{**v, "rule": "required_output"} for v in wrong]
    return found


def documents_of(attachments: Iterable[Attachment]) -> set[str | None]:
    """What attachments stand for: by their `document` field, or by their name, with or without the extension."""
    return {name for a in attachments for name in (a.document, a.name, a.name.rpartition(".")[0])}
