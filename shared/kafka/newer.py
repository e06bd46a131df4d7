"""Messages of an internal topic that are newer than this service: they wait for its upgrade, and nothing is lost.

They appear where a service that writes is upgraded before one that reads (docs/upgrading.md). To set them aside, or to
take only what is known of them, would lose what they say.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from contracts import registry
from contracts.topics import Topic
from shared.messages import Record, Unreadable, read_envelope

RETRY_SECONDS = 5.0
"""How often a partition that waits is read again. Usually the process that knows the message is another one."""
_HEAD = re.compile(rb'\{"id":"[^"\\]*","type":"([^"\\]*)","version":(\d{1,9}),(?:"format":(\d{1,9}),)?"key":')
"""The beginning of a message as `shared/messages.py` writes it: most are told without reading the whole."""
log = structlog.get_logger()


class NewerMessage(Exception):
    """A sentence that says what is newer than this version of the system knows."""


@dataclass(slots=True)
class Wait:
    """A message that a partition stands at."""

    offset: int
    reason: str
    since: float
    tried: float


class NewerMessages:
    """Finds, for the reader of one topic, where a partition has to stop, and knows which wait. Public topics never do:
    their readers refuse what they do not know."""

    def __init__(self, topic: Topic | None) -> None:
        self._topic = None if topic is None or topic.public else topic
        self._waits: dict[int, Wait] = {}

    def readable(self, records: Sequence[Record]) -> int:
        """Returns how many of a partition's records come before the first that is newer than this service."""
        if self._topic is None:
            return len(records)
        return next((n for n, record in enumerate(records) if newer_reason(record)), len(records))

    def wait(self, record: Record, now: float) -> None:
        """Notes that the record's partition waits at it."""
        wait = self._waits.get(record.partition)
        if wait is not None and wait.offset == record.offset:
            wait.tried = now
            return
        reason = newer_reason(record) or ""
        self._waits[record.partition] = Wait(record.offset, reason, now, now)
        place = {"topic": record.topic, "partition": record.partition, "offset": record.offset}
        log.error("message_newer_than_service", **place, reason=reason)

    def keep(self, positions: dict[int, int]) -> None:
        """Forgets partitions that went to another instance, or went on."""
        self._waits = {p: wait for p, wait in self._waits.items() if positions.get(p) == wait.offset}

    def due(self, now: float) -> list[int]:
        """Returns the partitions that are to be read again."""
        return [p for p, wait in self._waits.items() if now - wait.tried >= RETRY_SECONDS]

    def seconds(self, now: float) -> dict[int, float]:
        """Returns for how long each partition has waited."""
        return {p: now - wait.since for p, wait in self._waits.items()}

    def reasons(self) -> dict[int, str]:
        """Returns why each partition waits."""
        return {p: f"offset {wait.offset}: {wait.reason}" for p, wait in self._waits.items()}


def newer_reason(record: Record) -> str | None:
    """Returns in what a message is newer than this service knows; None where it is not, or is no message at all."""
    value = record.value or b""
    head = _HEAD.match(value)
    if head is not None and (head[3] or b'"format"' not in value):
        return _reason(record.topic, head[1].decode(errors="replace"), int(head[2]), int(head[3] or 1))
    envelope = read_envelope(record)
    if isinstance(envelope, Unreadable):
        return None
    return _reason(record.topic, envelope.type, envelope.version, envelope.format)


def _reason(topic: str, type_name: str, version: int, needed: int) -> str | None:
    known = registry.topic_format(topic) if needed > 1 else 1
    if needed > known:
        return (
            f"{type_name} needs format {needed} of {topic}, and this service knows format {known} and older: "
            "upgrade this service"
        )
    payload = registry.ENVELOPED.get(type_name)
    newest = registry.version_of(payload[0]) if payload else version
    if version > newest:
        return (
            f"{type_name} has version {version}, and this service knows version {newest} and older: "
            "upgrade this service"
        )
    return None
