"""Record batches as a broker sends them, made safe to read: intact, decompressed within a bound, or replaced.

One batch that can't be read would otherwise stop its partition: the client fails at it, and fetches it again.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from struct import Struct
from typing import NamedTuple

from aiokafka.record.default_records import DefaultRecordBatch
from aiokafka.record.util import calc_crc32c

from shared.kafka.codecs import UnreadableData, decompress
from shared.messages import MAX_MESSAGE_BYTES

DECODED_BYTES = MAX_MESSAGE_BYTES
"""Bytes of records that one fetch holds of a partition: as many as it could hold of an uncompressed one."""
_LENGTH_END = 12
_MAGIC = 2
_CODEC, _CONTROL = 0x07, 0x20
_CHEAP_BYTES = 64 * 1024
_CRC_START, _CHECKED_START = 17, 21


class _Header(NamedTuple):
    """The header of a batch of format 2, in the order of its bytes."""

    base_offset: int
    length: int
    leader_epoch: int
    magic: int
    crc: int
    attributes: int
    last_offset_delta: int
    first_timestamp: int
    max_timestamp: int
    producer_id: int
    producer_epoch: int
    base_sequence: int
    record_count: int


_LAYOUT = Struct(">qiibIhiqqqhii")
_HEADER_BYTES = _LAYOUT.size


class UnreadableBatch(Exception):
    """A sentence that says which records can't be read, and why. It holds nothing of the records."""


@dataclass(slots=True)
class UnreadableRecords:
    """The bytes of a batch that can't be read, in the shape of one record."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    value: bytes | None
    reason: UnreadableBatch
    key: bytes | None = None


@dataclass(frozen=True, slots=True)
class Screened:
    """What a partition brought, safe to read, and what of it is not."""

    batches: bytes
    unreadable: list[UnreadableRecords]


def is_costly(batches: bytes) -> bool:
    """Returns whether screening takes so long that an event loop should not wait for it."""
    return len(batches) > _CHEAP_BYTES or any(_header(frame).attributes & _CODEC for frame in _split(batches))


def screen(topic: str, partition: int, fetched_from: int, batches: bytes) -> Screened:
    """Makes the batches that a broker sent for an offset safe to read.

    Compressed ones are decompressed. One that can't be read becomes an empty one of the same offsets, so that the
    reader goes on behind it. What exceeds DECODED_BYTES after the first batch is left out: the reader fetches it next.
    """
    frames = list(_split(batches))
    safe = bytearray()
    unreadable: list[UnreadableRecords] = []
    for frame, behind in zip_longest(frames, frames[1:]):
        found = None
        try:
            batch = _readable(frame)
        except UnreadableData as fault:
            end = _end_offset(frame, behind, fetched_from)
            found = _as_record(topic, partition, frame, end, str(fault))
            batch = _empty(frame, end)
        if safe and len(safe) + len(batch) > DECODED_BYTES:
            break
        safe += batch
        unreadable += [found] if found else []
    return Screened(bytes(safe) if frames else batches, unreadable)


def _split(batches: bytes) -> Iterator[bytes]:
    """Yields each whole batch; the last one that a broker sends may be cut off."""
    at = 0
    while len(batches) - at >= _HEADER_BYTES:
        length = _LAYOUT.unpack_from(batches, at)[1]
        end = at + _LENGTH_END + max(length, _HEADER_BYTES - _LENGTH_END)
        if end > len(batches):
            return
        yield batches[at:end]
        at = end


def _header(frame: bytes) -> _Header:
    return _Header(*_LAYOUT.unpack_from(frame))


def _readable(frame: bytes) -> bytes:
    """Returns the batch, decompressed. Raises UnreadableData if the client's own reader would fail at it."""
    header = _header(frame)
    if header.magic != _MAGIC:
        raise UnreadableData(f"its format is {header.magic}, and only format {_MAGIC} is read")
    if not _is_intact(frame):
        raise UnreadableData("its checksum does not match")
    if header.attributes & _CODEC:
        records = decompress(header.attributes & _CODEC, frame[_HEADER_BYTES:], DECODED_BYTES)
        frame = _pack(header._replace(attributes=header.attributes & ~_CODEC), records)
    try:
        for _ in DefaultRecordBatch(frame):
            pass
    except Exception:  # it raises UnicodeDecodeError too, for a header's name
        raise UnreadableData("its records are malformed") from None
    return frame


def _is_intact(frame: bytes) -> bool:
    return bool(calc_crc32c(frame[_CHECKED_START:]) == _header(frame).crc)


def _end_offset(frame: bytes, behind: bytes | None, fetched_from: int) -> int:
    """Returns the offset behind an unreadable batch: beyond `fetched_from`, not beyond a readable one."""
    header = _header(frame)
    claimed = header.base_offset + header.last_offset_delta + 1
    if not _is_intact(frame) and header.record_count != header.last_offset_delta + 1:
        claimed = header.base_offset + 1  # the header may be what is damaged
    if behind is not None:
        claimed = min(claimed, _header(behind).base_offset)
    return max(claimed, fetched_from + 1)


def _empty(frame: bytes, end: int) -> bytes:
    header = _header(frame)
    kept = header.attributes & ~(_CODEC | _CONTROL)
    last = end - 1 - header.base_offset
    return _pack(header._replace(magic=_MAGIC, attributes=kept, last_offset_delta=last, record_count=0), b"")


def _pack(header: _Header, records: bytes) -> bytes:
    packed = bytearray(_LAYOUT.pack(*header._replace(length=_HEADER_BYTES - _LENGTH_END + len(records), crc=0)))
    packed += records
    packed[_CRC_START:_CHECKED_START] = calc_crc32c(bytes(packed[_CHECKED_START:])).to_bytes(4, "big")
    return bytes(packed)


def _as_record(topic: str, partition: int, frame: bytes, end: int, reason: str) -> UnreadableRecords:
    header = _header(frame)
    sentence = f"the batch of offsets {header.base_offset} to {end - 1} can't be read: {reason}"
    return UnreadableRecords(
        topic, partition, header.base_offset, header.max_timestamp, frame, UnreadableBatch(sentence)
    )
