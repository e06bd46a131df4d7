"""The ingress of playbook.signals: messages of other systems become commands, or are set aside with their reason."""

import structlog
from pydantic import ValidationError

from contracts import topics
from contracts.envelope import ReplyAddress
from contracts.rejections import Rejection
from contracts.signals import RejectedSignal, SignalMessage, SignalOutcome
from contracts.values import Caller
from services.run_engine.metrics import SIGNALS
from services.run_engine.sealing.signals import SealedSignals
from services.run_engine.sealing.store import Owner
from shared import clock
from shared.errors import Refused
from shared.http import validation_rejection
from shared.ids import stable_id
from shared.json_values import storable
from shared.kafka import Batch, Publisher
from shared.kafka.parking import KEPT_OF_A_KEY, KEPT_OF_A_VALUE, kept
from shared.messages import OutgoingMessage, Record, Unreadable, command_message, read_json
from shared.signals import signal_command

log = structlog.get_logger()
OUTCOMES = ReplyAddress(topic=topics.SIGNALS_OUTCOMES.name)


class SignalIngress:
    """Validates each message against the public contract and puts it on run.commands under the run's key.

    What is taken gets its outcome from the command loop; what is no signal at all goes to playbook.signals.rejected,
    and a well-formed signal that asks for something impossible gets its outcome at once.
    """

    def __init__(
        self, publisher: Publisher, permissions: tuple[str, ...], sealed: SealedSignals, *, copies: bool
    ) -> None:
        """`copies`: what is rejected is kept as it came. Not where it might hold what must not be kept in clear."""
        self._publisher = publisher
        self._permissions = permissions
        self._sealed = sealed
        self._copies = copies

    async def handle(self, records: Batch) -> None:
        read = [(record, self._read(record)) for record in records]
        await self._sealed.prepare({_owner(m) for _, m in read if isinstance(m, SignalMessage) and m.signal.data})
        outgoing = [m if isinstance(m, OutgoingMessage) else await self._command(record, m) for record, m in read]
        await self._publisher.publish(outgoing)

    async def set_aside(self, record: Record, error: Exception) -> None:
        await self._publisher.publish([self._rejected(record, f"unexpected {type(error).__name__}: {error}")])

    def _read(self, record: Record) -> SignalMessage | OutgoingMessage:
        """The signal, or the answer to what is none."""
        document = read_json(record)
        if isinstance(document, Unreadable):
            return self._rejected(record, document.reason)
        try:
            message = SignalMessage.model_validate(document)
            storable(document)
        except ValidationError as error:
            rejection = validation_rejection(error.errors(include_url=False))
            return self._rejected(record, "not a valid signal", rejection)
        except Refused as error:
            return self._rejected(record, "not a valid signal", error.rejection)
        return message

    async def _command(self, record: Record, message: SignalMessage) -> OutgoingMessage:
        origin = f"{record.topic}:{record.partition}:{record.offset}:{record.timestamp}"  # see decision 0013
        signal_id = message.signal_id or stable_id("sig", origin)
        caller = Caller(id=message.signal.issued_by or "kafka", type="service", permissions=self._permissions)
        try:
            command = signal_command(message.signal, signal_id, caller)
            command = await self._sealed.sealed(_owner(message), command)
        except Refused as error:
            SIGNALS.labels("refused").inc()
            return _refused(message, signal_id, error.rejection)
        SIGNALS.labels("taken").inc()
        return command_message(
            topics.RUN_COMMANDS.name,
            message.run_id,
            command,
            message_id=stable_id("cmd", "signal", message.organization_id, message.run_id, signal_id),
            organization_id=message.organization_id,
            correlation_id=message.correlation_id or origin,
            causation_id=origin,
            time=clock.now(),
            reply_to=OUTCOMES,
        )

    def _rejected(self, record: Record, reason: str, rejection: Rejection | None = None) -> OutgoingMessage:
        SIGNALS.labels("rejected").inc()
        log.warning("signal_rejected", offset=record.offset, reason=reason)
        errors = rejection.details.get("errors", [rejection.details]) if rejection else []
        body = RejectedSignal(
            reason=reason,
            errors=errors if self._copies else [{**error, "value": None} for error in errors],
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            key_base64=kept(record.key, KEPT_OF_A_KEY),
            value_base64=kept(record.value, KEPT_OF_A_VALUE) if self._copies else None,
            at=clock.now(),
        )
        key = f"{record.partition}:{record.offset}"
        return OutgoingMessage(topics.SIGNALS_REJECTED.name, key, body.model_dump_json().encode(), "RejectedSignal")


def _owner(message: SignalMessage) -> Owner:
    return Owner(message.organization_id, message.run_id)


def _refused(message: SignalMessage, signal_id: str, rejection: Rejection) -> OutgoingMessage:
    outcome = SignalOutcome(
        signal_id=signal_id,
        run_id=message.run_id,
        organization_id=message.organization_id,
        accepted=False,
        rejection=rejection,
        at=clock.now(),
    )
    value = outcome.model_dump_json().encode()
    return OutgoingMessage(topics.SIGNALS_OUTCOMES.name, message.run_id, value, "SignalOutcome")
