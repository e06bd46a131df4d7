"""Messages to bytes and back. Reading returns the message, or why it is none; it never raises."""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

import orjson
from pydantic import ValidationError
from pydantic_core import from_json

from contracts import registry
from contracts.envelope import Envelope, ReplyAddress
from contracts.values import Contract, rfc3339
from shared import tracing

MAX_MESSAGE_BYTES = 8 * 1024 * 1024


class Record(Protocol):
    """What is read of an aiokafka `ConsumerRecord`; its headers may be anything and are not looked at."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None


@dataclass(frozen=True, slots=True)
class OutgoingMessage:
    """A message on its way to Kafka: the bytes are final."""

    topic: str
    key: str
    value: bytes
    type: str
    partition: int | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """A message as it was read."""

    envelope: Envelope
    payload: Contract
    partition: int
    offset: int


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A record that is no valid message, and why."""

    record: Record
    reason: str


def read(record: Record) -> Message | Unreadable:
    """The record as a message of the registry, brought up to its current version."""
    envelope = read_envelope(record)
    if isinstance(envelope, Unreadable):
        return envelope
    known = registry.ENVELOPED.get(envelope.type)
    if known is None:
        return Unreadable(record, f"unknown message type {envelope.type!r}")
    payload_class, topic = known
    if topic.name != record.topic:
        return Unreadable(record, f"a {envelope.type} belongs on {topic.name}, not on {record.topic}")
    if envelope.version > registry.version_of(payload_class):
        return Unreadable(record, f"{envelope.type} version {envelope.version} is newer than this service knows")
    try:
        payload = payload_class.model_validate(registry.upcast(envelope.type, envelope.version, envelope.data))
    except ValidationError as error:
        return Unreadable(record, f"not a valid {envelope.type}: {describe(error)}")
    except (KeyError, TypeError, ValueError) as error:
        return Unreadable(record, f"{envelope.type} version {envelope.version} has no way up: {error}")
    return Message(envelope, payload, record.partition, record.offset)


def read_batch(records: Iterable[Record]) -> tuple[list[Message], list[Unreadable]]:
    """The messages in order, and what is none; a record whose key is not its envelope's is none."""
    messages: list[Message] = []
    unreadable: list[Unreadable] = []
    for record in records:
        message = read(record)
        if isinstance(message, Unreadable):
            unreadable.append(message)
        elif (record.key or b"").decode(errors="replace") != message.envelope.key:
            unreadable.append(Unreadable(record, "the record's key is not the envelope's"))
        else:
            messages.append(message)
    return messages, unreadable


def read_envelope(record: Record) -> Envelope | Unreadable:
    """The envelope alone, for readers that need no typed payload."""
    document = read_json(record)
    if isinstance(document, Unreadable):
        return document
    try:
        envelope = Envelope.model_validate(document)
    except ValidationError as error:
        return Unreadable(record, f"not a valid envelope: {describe(error)}")
    traceparent = tracing.context_of(record)
    return envelope if traceparent is None else envelope.model_copy(update={"traceparent": traceparent})


def exact_json(value: bytes) -> Any:
    """Numbers as they were written: orjson takes whole ones beyond 64 bits for floats. Raises ValueError."""
    try:
        return from_json(value, allow_inf_nan=False)
    except ValueError:
        return orjson.loads(value)  # also reads what is nested too deeply, so that it can be refused with its path


def read_json(record: Record, parse: Callable[[bytes], Any] = orjson.loads) -> Any | Unreadable:
    value = record.value
    if not value:
        return Unreadable(record, "the value is empty")
    if len(value) > MAX_MESSAGE_BYTES:
        return Unreadable(record, f"the value has {len(value)} bytes, more than {MAX_MESSAGE_BYTES}")
    try:
        return parse(value)
    except ValueError as error:
        return Unreadable(record, f"the value is not JSON: {error}")


def describe(error: ValidationError) -> str:
    """One line: each field with its reason."""
    return "; ".join(
        f"{'.'.join(map(str, e['loc'])) or 'body'}: {e['msg']}" for e in error.errors(include_url=False)[:5]
    )


def command_message(
    topic: str,
    key: str,
    payload: Contract,
    *,
    message_id: str,
    organization_id: str,
    correlation_id: str,
    time: datetime,
    causation_id: str | None = None,
    traceparent: str | None = None,
    deadline: datetime | None = None,
    reply_to: ReplyAddress | None = None,
    fingerprint: str | None = None,
    payload_json: bytes | None = None,
) -> OutgoingMessage:
    """A command, a reply or a job in its envelope; `payload_json` where the payload was written as JSON before."""
    envelope = {
        **_head(message_id, payload, key, organization_id, correlation_id, causation_id, time, traceparent),
        "deadline": rfc3339(deadline) if deadline else None,
        "reply_to": reply_to.model_dump() if reply_to else None,
        "fingerprint": fingerprint,
        "data": orjson.Fragment(payload_json) if payload_json else payload.model_dump(mode="json"),
    }
    return OutgoingMessage(topic, key, orjson.dumps(envelope), type(payload).__name__)


def event_message(
    topic: str,
    key: str,
    payload: Contract,
    *,
    sequence: int,
    previous_hash: str | None,
    organization_id: str,
    correlation_id: str,
    causation_id: str,
    time: datetime,
    traceparent: str | None = None,
) -> tuple[OutgoingMessage, str]:
    """An event in its envelope, with its link to the one before it; and its hash."""
    envelope: dict[str, Any] = {
        **_head(f"{key}:{sequence}", payload, key, organization_id, correlation_id, causation_id, time, traceparent),
        "sequence": sequence,
        "previous_hash": previous_hash,
        "data": payload.model_dump(mode="json"),
    }
    envelope["hash"] = hash_of(envelope)
    return OutgoingMessage(topic, key, orjson.dumps(envelope), type(payload).__name__), envelope["hash"]


def hash_of(event: Mapping[str, Any]) -> str:
    """SHA-256, hex, over the event's canonical JSON (keys sorted, no white space) without its own `hash`."""
    body = {name: value for name, value in event.items() if name != "hash"}
    return hashlib.sha256(orjson.dumps(body, option=orjson.OPT_SORT_KEYS)).hexdigest()


def _head(
    message_id: str,
    payload: Contract,
    key: str,
    organization_id: str,
    correlation_id: str,
    causation_id: str | None,
    time: datetime,
    traceparent: str | None,
) -> dict[str, Any]:
    needed = registry.format_of(payload)
    return {
        "id": message_id,
        "type": type(payload).__name__,
        "version": registry.version_of(payload),
        **({"format": needed} if needed > 1 else {}),  # next to the version: shared/kafka/newer.py looks there
        "key": key,
        "organization_id": organization_id,
        "correlation_id": correlation_id,
        "causation_id": causation_id,
        "time": rfc3339(time),
        "traceparent": traceparent,
    }
