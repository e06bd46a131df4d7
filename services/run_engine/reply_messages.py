"""What the engine tells those who sent commands: replies to gateways, outcomes to systems that signal over Kafka."""

from collections.abc import Sequence
from datetime import datetime

from contracts import commands, topics
from contracts.rejections import OTHER_SIGNAL, Rejection
from contracts.replies import Reply
from contracts.signals import SignalOutcome
from shared.messages import Message, OutgoingMessage
from shared.replies import has_given_up, reply_message

Answer = tuple[Message, Reply, bytes | None]
"""A command, what it is answered, and that as JSON where it was written as such before."""


def reply_messages(answers: Sequence[Answer], now: datetime) -> list[OutgoingMessage]:
    """Returns the replies, and the outcomes of signals from Kafka, to those who wait for them."""
    return [out for answer in answers if (out := _reply_message(answer, now)) is not None]


def _reply_message(answer: Answer, now: datetime) -> OutgoingMessage | None:
    message, reply, as_json = answer
    envelope = message.envelope
    address = envelope.reply_to
    if address is None or address.topic != topics.SIGNALS_OUTCOMES.name:
        return reply_message(message, reply, now, as_json)
    if has_given_up(envelope, now) or not isinstance(message.payload, commands.SignalCommand):
        return None
    return _outcome_message(message, message.payload, reply, now)


def _outcome_message(message: Message, signal: commands.SignalCommand, reply: Reply, now: datetime) -> OutgoingMessage:
    """What a signal from Kafka came to, for the system that sent it."""
    outcome = SignalOutcome(
        signal_id=signal.signal_id,
        run_id=message.envelope.key,
        organization_id=message.envelope.organization_id,
        accepted=reply.rejection is None,
        result=reply.result,
        rejection=_in_words_of_signals(reply.rejection),
        at=now,
    )
    return OutgoingMessage(
        topics.SIGNALS_OUTCOMES.name, message.envelope.key, outcome.model_dump_json().encode(), "SignalOutcome"
    )


def _in_words_of_signals(rejection: Rejection | None) -> Rejection | None:
    """Who sends signals over Kafka knows no Idempotency-Key."""
    in_other_words = rejection is not None and rejection.details.get("field") == "Idempotency-Key"
    return OTHER_SIGNAL if in_other_words else rejection
