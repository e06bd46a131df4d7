"""Parking: a record that can't be taken is set aside with its reason, and the partition goes on."""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import orjson
import structlog

from contracts.topics import Topic
from shared.kafka.publisher import Publisher
from shared.kafka.record_batches import UnreadableBatch
from shared.messages import OutgoingMessage, Record, Unreadable
from shared.metrics import PARKED

KEPT_OF_A_VALUE = 4 * 1024 * 1024
KEPT_OF_A_KEY = 256 * 1024
log = structlog.get_logger()


class SetsAside(Protocol):
    """What a consumer does with records that it can't take."""

    async def park(self, unreadable: Sequence[Unreadable]) -> None: ...


class Parking:
    """Where one service sets aside the records of one topic that it can't take, each with its reason and its origin."""

    def __init__(self, publisher: Publisher, topic: Topic, service: str, *, copies: bool = True) -> None:
        """`copies`: what a record holds is kept. Not where it might hold what must not be kept in clear."""
        self._publisher = publisher
        self._topic = topic
        self._service = service
        self._copies = copies
        PARKED.labels(topic.name)  # a series that begins with its first one shows no increase

    async def park(self, unreadable: Sequence[Unreadable]) -> None:
        """Returns when they are safe on the parking topic."""
        for item in unreadable:
            PARKED.labels(self._topic.name).inc()
            log.warning("record_parked", topic=self._topic.name, offset=item.record.offset, reason=item.reason)
        await self._publisher.publish([_parked(self._topic, item, self._service, self._copies) for item in unreadable])

    async def set_aside(self, record: Record, surprise: Exception) -> None:
        await self.park([Unreadable(record, reason_of(surprise, words=self._copies))])


def reason_of(surprise: Exception, *, words: bool) -> str:
    """Returns why a record is set aside. `words`: those of a surprise are kept, which may hold parts of the record."""
    if isinstance(surprise, UnreadableBatch):
        return str(surprise)
    return f"unexpected {type(surprise).__name__}" + (f": {surprise}" if words else "")


def _parked(topic: Topic, item: Unreadable, service: str, copies: bool) -> OutgoingMessage:
    record = item.record
    body: Mapping[str, Any] = {
        "reason": item.reason,
        "service": service,
        "topic": record.topic,
        "partition": record.partition,
        "offset": record.offset,
        "timestamp_ms": record.timestamp,
        "key_base64": kept(record.key, KEPT_OF_A_KEY),
        "value_base64": kept(record.value, KEPT_OF_A_VALUE) if copies else None,
    }
    return OutgoingMessage(topic.parked, f"{record.partition}:{record.offset}", orjson.dumps(body), "Parked")


def kept(part: bytes | None, limit: int) -> str | None:
    """In base64; None where there is nothing, or more than a message could carry: then it is at its origin only."""
    return b64encode(part).decode() if part and len(part) <= limit else None
