"""The ingress of playbook.signals: messages of other systems become commands, or are refused with REST's words."""

import hashlib
from dataclasses import dataclass
from typing import Any

import orjson
from pydantic import ValidationError

from contracts import topics
from contracts.envelope import ReplyAddress
from contracts.rejections import SET_ASIDE
from contracts.signals import Signal, SignalMessage
from contracts.values import Caller
from services.run_engine.metrics import SIGNALS
from services.run_engine.refused_signals import RefusedSignals, Sender, sender_of
from services.run_engine.sealing.signals import SealedSignals
from services.run_engine.sealing.store import Owner
from services.run_engine.signal_sources import SignalSources, UnknownSource
from shared import clock
from shared.errors import Refused
from shared.http import invalid, validation_rejection
from shared.ids import stable_id
from shared.json_names import says_all_once
from shared.json_values import storable
from shared.kafka import Batch, Publisher
from shared.messages import OutgoingMessage, Record, Unreadable, command_message, exact_json, read_json
from shared.signals import signal_command, signal_faults

OUTCOMES = ReplyAddress(topic=topics.SIGNALS_OUTCOMES.name)


class SignalIngress:
    """Validates each message against the public contract and puts it on run.commands under the run's key.

    What is taken gets its outcome from the command loop. What is refused here gets its outcome at once, as far as it
    says whose it is; and what is no signal at all goes to playbook.signals.rejected too.
    """

    def __init__(
        self, publisher: Publisher, sources: SignalSources, sealed: SealedSignals, refused: RefusedSignals
    ) -> None:
        self._publisher = publisher
        self._sources = sources
        self._sealed = sealed
        self._refused = refused

    async def handle(self, records: Batch) -> None:
        read = [(record, self._read(record)) for record in records]
        await self._sealed.prepare(
            {_owner(m.message) for _, m in read if isinstance(m, _Sent) and _carries_data(m.message)}
        )
        outgoing = [m if isinstance(m, list) else [await self._answer(record, m)] for record, m in read]
        await self._publisher.publish([message for of_one in outgoing for message in of_one])

    async def set_aside(self, record: Record, error: Exception) -> None:
        reason = self._refused.surprise(error)
        await self._publisher.publish(self._refused.no_signal(record, reason, SET_ASIDE, _document(record)))

    def _read(self, record: Record) -> "_Sent | list[OutgoingMessage]":
        """The signal, or the answers to what is none."""
        document = read_json(record, exact_json)
        if isinstance(document, Unreadable):
            return self._refused.no_signal(record, document.reason)
        try:
            source = self._sources.prove(record, document)
            return _Sent(source, _checked(record.value or b"", document))
        except Refused as error:
            return self._refused.no_signal(record, "not a valid signal", error.rejection, document)
        except UnknownSource as error:
            return self._refused.no_signal(
                record, str(error)
            )  # no outcome: it goes to whom the record only claims to be

    async def _answer(self, record: Record, sent: "_Sent") -> OutgoingMessage:
        message = sent.message
        sender = sender_of(record, message.model_dump(include={"organization_id", "run_id", "signal_id"}))
        assert sender is not None
        try:
            command = await self._command(message, sender, self._sources.caller(sent.source, message))
        except Refused as error:
            SIGNALS.labels("refused").inc()
            return self._refused.outcome(sender, error.rejection)
        SIGNALS.labels("taken").inc()
        return command

    async def _command(self, message: SignalMessage, sender: Sender, caller: Caller) -> OutgoingMessage:
        owner, clear = _owner(message), signal_command(message.signal, sender.signal_id, caller)
        command = await self._sealed.sealed(owner, clear)
        fingerprint = await self._sealed.fingerprint(owner, clear, command, _digest(message.signal))
        return command_message(
            topics.RUN_COMMANDS.name,
            message.run_id,
            command,
            message_id=stable_id("cmd", "signal", message.organization_id, message.run_id, sender.signal_id),
            organization_id=message.organization_id,
            correlation_id=message.correlation_id or sender.origin,
            causation_id=sender.origin,
            time=clock.now(),
            reply_to=OUTCOMES,
            fingerprint=fingerprint,
        )


@dataclass(frozen=True, slots=True)
class _Sent:
    """A valid signal, and the source that it is proved to come from."""

    source: str
    message: SignalMessage


def _carries_data(message: SignalMessage) -> bool:
    return bool(message.signal.data or message.signal.metadata)


def _checked(value: bytes, document: Any) -> SignalMessage:
    """As REST checks a body, in its order. Raises Refused (VALIDATION_ERROR)."""
    if isinstance(document, dict):
        storable(document)
        says_all_once(value, document)
    try:
        return SignalMessage.model_validate_json(value, strict=True)
    except ValidationError as error:
        shape = validation_rejection(error.errors(include_url=False)).details["errors"]
        sent = document.get("signal") if isinstance(document, dict) else None
        raise invalid(*shape, *signal_faults(sent)) from None


def _digest(signal: Signal) -> str:
    content = orjson.dumps(signal.model_dump(mode="json"), option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(content).hexdigest()


def _document(record: Record) -> Any:
    document = read_json(record, exact_json)
    return None if isinstance(document, Unreadable) else document


def _owner(message: SignalMessage) -> Owner:
    return Owner(message.organization_id, message.run_id)
