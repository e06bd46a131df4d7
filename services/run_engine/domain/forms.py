"""Form fields and required outputs: what a completion's data must hold, and of which type."""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, time
from typing import Any

from contracts.values import Attachment
from services.run_engine.domain.conditions import as_time, pattern_found
from services.run_engine.domain.loose import is_number, items, mapping, text
from services.run_engine.domain.violations import Violation, violation

Field = Mapping[str, Any]
"""`name`, and of `type`, `required`, `validation`, `min`, `max`, `min_length`, `max_length`, `options`, `encrypted`."""


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_email(value: Any) -> bool:
    if not isinstance(value, str):
        return False
    name, _, host = value.rpartition("@")
    return bool(name) and "." in host and not any(c.isspace() for c in value)


def _is_whole(value: Any) -> bool:
    return is_number(value) and value == int(value)


def _is_date(value: Any) -> bool:
    return isinstance(value, str) and as_time(value) is not None


def _is_list(value: Any) -> bool:
    return isinstance(value, list)


_TYPES: dict[str, tuple[Callable[[Any], bool], str]] = {
    "text": (_is_text, "a text"),
    "textarea": (_is_text, "a text"),
    "string": (_is_text, "a text"),
    "email": (_is_email, "an e-mail address"),
    "phone": (_is_text, "a text"),
    "url": (_is_text, "a text"),
    "number": (is_number, "a number"),
    "currency": (is_number, "a number"),
    "integer": (_is_whole, "a whole number"),
    "boolean": (lambda value: isinstance(value, bool), "true or false"),
    "checkbox": (lambda value: isinstance(value, bool | list), "true, false or a list"),
    "date": (_is_date, "an ISO-8601 date"),
    "datetime": (_is_date, "an ISO-8601 time"),
    "multiselect": (_is_list, "a list"),
    "list": (_is_list, "a list"),
    "array": (_is_list, "a list"),
    "object": (lambda value: isinstance(value, dict), "an object"),
}
"""A type that is not listed takes any value."""


def encrypted_fields(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of the step whose values must not be told, by name."""
    fields = (mapping(field) for field in items(metadata.get("form_fields")))
    return {str(field.get("name")): field for field in fields if field.get("encrypted") is True}


def form_violations(metadata: Mapping[str, Any], data: Mapping[str, Any], now: datetime) -> list[Violation]:
    fields = [mapping(field) for field in items(metadata.get("form_fields"))]
    return [found for field in fields if text(field.get("name")) for found in _field(field, data, now)]


def _field(field: Field, data: Mapping[str, Any], now: datetime) -> Iterator[Violation]:
    value = data.get(field["name"])
    if _is_empty(value):
        if field.get("required") is True:
            yield _wrong(field, "required", value, "The field is required")
        return
    found = _type_violation(field, value)
    if found is not None:
        yield found
        return
    if "min" in field or "max" in field:
        yield from _bounds(field, value, now)
    if "min_length" in field or "max_length" in field:
        yield from _lengths(field, value)
    if "options" in field:
        yield from _choice(field, value)
    if "validation" in field:
        yield from _pattern(field, value)


def _is_empty(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def _wrong(field: Field, condition: str, actual: Any, reason: str) -> Violation:
    shown = None if field.get("encrypted") is True else actual
    return violation("form_field", f"{field['name']}: {condition}", shown, field=field["name"], reason=reason)


def _type_violation(field: Field, value: Any) -> Violation | None:
    kind = field.get("type")
    check = _TYPES.get(kind) if isinstance(kind, str) else None
    if check is None or check[0](value):
        return None
    return _wrong(field, f"type {kind}", value, f"It must be {check[1]}")


def _bounds(field: Field, value: Any, now: datetime) -> Iterator[Violation]:
    measure = _measure(field, value)
    for bound, below in (("min", True), ("max", False)):
        limit = _limit(field.get(bound), measure, now)
        if limit is not None and (measure < limit if below else measure > limit):
            word = "least" if below else "most"
            yield _wrong(field, f"{bound} {field[bound]}", value, f"It must be at {word} {field[bound]}")


def _measure(field: Field, value: Any) -> Any:
    """What min and max are held against: the number, the time, or nothing."""
    if field.get("type") in ("date", "datetime") and isinstance(value, str):
        return as_time(value)
    return value if is_number(value) else None


def _limit(bound: Any, measure: Any, now: datetime) -> Any:
    if isinstance(measure, datetime) and isinstance(bound, str):
        return datetime.combine(now.date(), time.max, now.tzinfo) if bound == "today" else as_time(bound)
    return bound if is_number(measure) and is_number(bound) else None


def _lengths(field: Field, value: Any) -> Iterator[Violation]:
    if not isinstance(value, str | list):
        return
    least, most = field.get("min_length"), field.get("max_length")
    if is_number(least) and len(value) < least:
        yield _wrong(field, f"min_length {least}", value, f"Its length must be at least {least}")
    if is_number(most) and len(value) > most:
        yield _wrong(field, f"max_length {most}", value, f"Its length must be at most {most}")


def _choice(field: Field, value: Any) -> Iterator[Violation]:
    if not isinstance(field.get("options"), list):
        return
    options = [option.get("value") if isinstance(option, dict) else option for option in field["options"]]
    chosen = value if isinstance(value, list) else [value]
    if any(choice not in options for choice in chosen):
        yield _wrong(field, f"one of {options}", value, f"It must be one of {options}")


def _pattern(field: Field, value: Any) -> Iterator[Violation]:
    pattern = text(field.get("validation"))
    if pattern is None or not isinstance(value, str):
        return
    if not pattern_found(pattern, value):
        yield _wrong(field, f"matches {pattern}", value, f"It must match {pattern}")


def output_violations(
    metadata: Mapping[str, Any], data: Mapping[str, Any], attachments: list[Attachment]
) -> list[Violation]:
    """Of `required_outputs`: each must be in the data, of its type; a document may be an attachment instead."""
    found = []
    for output in items(metadata.get("required_outputs")):
        spec = output if isinstance(output, dict) else {"name": output}
        name = text(spec.get("name"))
        if name is not None and not (spec.get("type") == "document" and attached(name, attachments)):
            found += [{**v, "rule": "required_output"} for v in _field({**spec, "required": True}, data, _NO_TIME)]
    return found


_NO_TIME = datetime.max.replace(tzinfo=UTC)


def attached(document: str, attachments: list[Attachment]) -> bool:
    """Whether an attachment is the document: by its `document` field, or by its name without the extension."""
    return any(document in (a.document, a.name, a.name.rpartition(".")[0]) for a in attachments)
