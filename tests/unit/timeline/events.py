"""Events of a run as they come over the wire."""

import typing
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from pydantic import BaseModel

from contracts.envelope import Envelope
from contracts.events import Event
from contracts.values import Actor
from shared.messages import event_message

START = datetime(2024, 1, 15, 11, 0, tzinfo=UTC)
RUN, ORGANIZATION = "run_456e7890", "org_1"
REP = Actor(id="sales_rep_001")


def wire(event: Event, sequence: int = 1, previous_hash: str | None = None) -> dict[str, Any]:
    message, _ = event_message(
        "run.events",
        RUN,
        event,
        sequence=sequence,
        previous_hash=previous_hash,
        organization_id=ORGANIZATION,
        correlation_id="req_1",
        causation_id="cmd_1",
        time=event.at,
    )
    document: dict[str, Any] = orjson.loads(message.value)
    return document


def envelope(event: Event, sequence: int = 1) -> Envelope:
    return Envelope.model_validate(wire(event, sequence))


def sample(kind: type[Event], **over: Any) -> Event:
    """An event of the kind with every field that it must have, and the given ones."""
    fields = {name: _value(field.annotation) for name, field in kind.model_fields.items() if field.is_required()}
    return kind.model_validate(fields | over)


def _value(annotation: Any) -> Any:
    """Some value of the type."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Literal:
        return arguments[0]
    if origin is typing.Annotated or (origin is not None and type(None) in arguments):
        return _value(arguments[0])
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return {n: _value(f.annotation) for n, f in annotation.model_fields.items() if f.is_required()}
    plain: dict[Any, Any] = {str: "text", int: 1, float: 1.5, bool: True, datetime: START}
    return {list: [], dict: {}}.get(origin, plain.get(annotation))


def later(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)
