"""What a command is answered: the message for whoever waits for it."""

from dataclasses import replace
from datetime import datetime

from contracts.envelope import Envelope
from contracts.replies import Reply
from contracts.topics import GATEWAY_REPLIES
from shared.clock import MAY_DIFFER
from shared.messages import Message, OutgoingMessage, command_message


def reply_message(
    message: Message, reply: Reply, now: datetime, as_json: bytes | None = None
) -> OutgoingMessage | None:
    """None where nobody waits: no address on the reply topic, or a deadline that passed long ago.

    `as_json` is the reply where it was written as such before.
    """
    envelope = message.envelope
    address = envelope.reply_to
    if address is None or has_given_up(envelope, now):
        return None
    if address.topic != GATEWAY_REPLIES.name or (address.partition or 0) >= (GATEWAY_REPLIES.partitions or 1):
        return None  # no place where answers may go
    outgoing = command_message(
        address.topic,
        envelope.id,
        reply,
        message_id=f"reply:{envelope.id}",
        organization_id=envelope.organization_id,
        correlation_id=envelope.correlation_id,
        causation_id=envelope.id,
        traceparent=envelope.traceparent,
        time=now,
        payload_json=as_json,
    )
    return replace(outgoing, partition=address.partition)


def has_given_up(envelope: Envelope, now: datetime) -> bool:
    """Whether whoever sent the command has surely stopped waiting: the deadline is by their clock, `now` by ours."""
    return envelope.deadline is not None and envelope.deadline + MAY_DIFFER < now
