"""What senders are told of signals that are refused before the engine decides, and what is kept of them."""

from dataclasses import dataclass
from typing import Any

import structlog

from contracts import topics
from contracts.rejections import Rejection
from contracts.signals import RejectedSignal, Signal, SignalMessage, SignalOutcome
from services.run_engine.metrics import SIGNALS
from shared import clock
from shared.ids import stable_id
from shared.kafka.parking import KEPT_OF_A_KEY, KEPT_OF_A_VALUE, kept, reason_of
from shared.messages import OutgoingMessage, Record

log = structlog.get_logger()
_MAX_ID = 200
_HARMLESS = {f"signal.{name}" for name in Signal.model_fields} - {"signal.data", "signal.metadata"} | {
    name for name in SignalMessage.model_fields if name != "signal"
}
"""Fields that are no place for what a playbook encrypts."""


@dataclass(frozen=True, slots=True)
class Sender:
    """To whom an outcome goes, and under which id."""

    organization_id: str
    run_id: str
    signal_id: str
    origin: str
    """Topic, partition, offset and timestamp of the record."""


def sender_of(record: Record, document: Any) -> Sender | None:
    """None where the record does not say whose it is. Without a usable `signal_id` its origin stands for it."""
    organization_id, run_id = _id_in(document, "organization_id"), _id_in(document, "run_id")
    if organization_id is None or run_id is None:
        return None
    origin = f"{record.topic}:{record.partition}:{record.offset}:{record.timestamp}"  # see decision 0013
    return Sender(organization_id, run_id, _id_in(document, "signal_id") or stable_id("sig", origin), origin)


class RefusedSignals:
    def __init__(self, *, copies: bool) -> None:
        """`copies`: what came is kept and told. Not where it might hold what must not be kept in clear."""
        self._copies = copies

    def no_signal(
        self, record: Record, reason: str, rejection: Rejection | None = None, document: Any = None
    ) -> list[OutgoingMessage]:
        """What is kept of it, and the outcome where it says whose it is."""
        SIGNALS.labels("rejected").inc()
        log.warning("signal_rejected", offset=record.offset, reason=reason)
        told = [self._kept(record, reason, rejection)]
        sender = sender_of(record, document)
        if rejection is not None and sender is not None:
            told.append(self.outcome(sender, rejection))
        return told

    def outcome(self, sender: Sender, rejection: Rejection) -> OutgoingMessage:
        body = SignalOutcome(
            signal_id=sender.signal_id,
            run_id=sender.run_id,
            organization_id=sender.organization_id,
            accepted=False,
            rejection=self._told(rejection),
            at=clock.now(),
        )
        value = body.model_dump_json().encode()
        return OutgoingMessage(topics.SIGNALS_OUTCOMES.name, sender.run_id, value, "SignalOutcome")

    def surprise(self, error: Exception) -> str:
        return reason_of(error, words=self._copies)

    def _kept(self, record: Record, reason: str, rejection: Rejection | None) -> OutgoingMessage:
        details = rejection.details if rejection else {}
        errors = details.get("errors", [details] if details else [])
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

    def _told(self, rejection: Rejection) -> Rejection:
        """Without the values that stand where something to be encrypted might, if they are not to be kept in clear."""
        details = rejection.details
        if self._copies or "field" not in details:
            return rejection
        errors = {"errors": [_masked(error) for error in details["errors"]]} if "errors" in details else {}
        return rejection.model_copy(update={"details": {**_masked(details), **errors}})


def _masked(error: dict[str, Any]) -> dict[str, Any]:
    harmless = error["field"] in _HARMLESS and not isinstance(error.get("value"), (dict, list))
    return error if harmless or "value" not in error else {**error, "value": None}


def _id_in(document: Any, name: str) -> str | None:
    value = document.get(name) if isinstance(document, dict) else None
    return value if isinstance(value, str) and 0 < len(value) <= _MAX_ID else None
