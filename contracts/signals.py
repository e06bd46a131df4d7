"""The public contract of `playbook.signals`: how other systems move a run on, over Kafka, with REST's guarantees.

A message's value is one JSON object of the form `SignalMessage`; no envelope. Its Kafka key should be the run id.
"""

from typing import Any, ClassVar, Literal

from pydantic import ConfigDict, Field

from contracts.rejections import Rejection
from contracts.values import Contract, Moment, OpenContract, PublicMessage

SignalType = Literal["pause", "resume", "cancel", "retry", "skip", "escalate", "reassign", "event"]


class Signal(OpenContract):
    """A signal as REST's body and a Kafka message both carry it. What it has beyond these fields is refused by name."""

    model_config = ConfigDict(json_schema_extra={"additionalProperties": False})
    type: SignalType
    reason: str | None = Field(default=None, max_length=2000)
    issued_by: str | None = Field(default=None, max_length=200)
    """Who the sender says has issued it: a claim. The actor is the caller of REST, or the source on Kafka."""
    metadata: dict[str, Any] = Field(default_factory=dict)
    pause_until: Moment | None = None
    step_id: str | None = Field(default=None, max_length=200)
    escalate_to: list[str] = Field(default_factory=list)
    assignee: str | None = Field(default=None, max_length=200)
    name: str | None = Field(default=None, max_length=200)
    """Of an `event`: what happened, such as `payment_received`."""
    data: dict[str, Any] = Field(default_factory=dict)
    """Of an `event`: merged into the run's data."""


class SignalMessage(PublicMessage):
    """The value of a message on `playbook.signals`."""

    organization_id: str = Field(min_length=1, max_length=200)
    run_id: str = Field(min_length=1, max_length=200)
    signal: Signal
    signal_id: str | None = Field(default=None, min_length=1, max_length=200)
    """Repeats under one id count once. Without it the record's topic, partition, offset and timestamp stand for it."""
    correlation_id: str | None = Field(default=None, max_length=200)


class SignalOutcome(Contract):
    """What became of a signal from Kafka, on `playbook.signals.outcomes`, keyed by run id."""

    VERSION: ClassVar[int] = 1
    signal_id: str
    run_id: str
    organization_id: str
    accepted: bool
    result: dict[str, Any] | None = None
    rejection: Rejection | None = None
    at: Moment


class RejectedSignal(Contract):
    """A message that is no valid signal, on `playbook.signals.rejected`, with its reason and its bytes."""

    VERSION: ClassVar[int] = 1
    reason: str
    errors: list[dict[str, Any]] = Field(default_factory=list)
    topic: str
    partition: int
    offset: int
    key_base64: str | None
    value_base64: str | None
    at: Moment
