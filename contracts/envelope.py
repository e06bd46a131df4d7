"""The envelope around every message on an internal topic: one JSON object, `data` holds the payload of `type`."""

from typing import Any

from pydantic import Field

from contracts.values import Contract, Moment


class ReplyAddress(Contract):
    """Where the answer to a command goes: one partition of the reply topic, or a topic where the key chooses."""

    topic: str
    partition: int | None = Field(default=None, ge=0)


class Envelope(Contract):
    """What every message says about itself, whatever it carries."""

    id: str = Field(min_length=1, max_length=200)
    """Of a command: the same for each redelivery and each repeat of one wish. Of an event: `<run_id>:<sequence>`."""
    type: str
    """Name of the payload's class: an imperative for commands, a past participle for events."""
    version: int = Field(default=1, ge=1)
    """Version of the payload's contract; older ones are brought up by upcasters when read."""
    format: int = Field(default=1, ge=1)
    """The topic's format that a reader must know to take this message. Written only where it is not 1."""
    key: str = Field(min_length=1)
    """The Kafka key: run id or playbook id, never a type."""
    organization_id: str = Field(min_length=1)
    correlation_id: str
    """The request that this message comes of (`X-Request-ID`)."""
    causation_id: str | None = None
    """Id of the message that this one was caused by."""
    time: Moment
    sequence: int | None = None
    """Of an event: its number in its run, from 1, without gaps."""
    traceparent: str | None = None
    """W3C trace context."""
    deadline: Moment | None = None
    """Of a command: after this nobody waits for the reply any more. The command counts all the same."""
    reply_to: ReplyAddress | None = None
    fingerprint: str | None = None
    """Of a command with an idempotency key: SHA-256 of the request's body."""
    previous_hash: str | None = None
    """Of an event: `hash` of the run's event before it; null for the first."""
    hash: str | None = None
    """Of an event: SHA-256, hex, over the event's canonical JSON, `previous_hash` included and `hash` left out."""
    data: dict[str, Any]
