"""Decompression with a bound: a small batch must not become more than memory holds."""

import struct
import zlib
from collections.abc import Callable, Iterator

import cramjam

_GZIP_WINDOW = 31
_XERIAL_MAGIC = b"\x82SNAPPY\0"
_XERIAL_HEADER_BYTES = 16
_FIRST_BUFFER_BYTES = 64 * 1024
_BUFFER_IS_FULL = "whole buffer"
"""What cramjam's error says; it has no type of its own."""


class UnreadableData(Exception):
    """A sentence part that says why a batch can't be read. It holds nothing of the data."""


def decompress(codec: int, data: bytes, limit: int) -> bytes:
    """Returns the data of a batch, decompressed by one of Kafka's codecs (1 gzip, 2 snappy, 3 lz4, 4 zstd).

    Raises:
        UnreadableData: The codec is unknown, the data is damaged, or it has more than `limit` bytes when decompressed.
    """
    if codec not in _CODECS:
        raise UnreadableData(f"codec {codec} is unknown")
    name, read = _CODECS[codec]
    try:
        return read(data, limit)
    except (cramjam.DecompressionError, zlib.error, struct.error, EOFError):
        raise UnreadableData(f"the {name} data is damaged") from None


def _too_large(limit: int) -> UnreadableData:
    return UnreadableData(f"it has more than {limit} bytes when decompressed")


def _gunzip(data: bytes, limit: int) -> bytes:
    found = b""
    while data:
        member = zlib.decompressobj(_GZIP_WINDOW)
        found += member.decompress(data, limit + 1 - len(found))
        if len(found) > limit:
            raise _too_large(limit)
        if not member.eof:
            raise EOFError
        data = member.unused_data
    return found


def _unsnappy(data: bytes, limit: int) -> bytes:
    """Reads both framings: blocks with their lengths, as Java's clients write them, and a single block."""
    blocks = list(_xerial_blocks(data)) if data.startswith(_XERIAL_MAGIC) else [data]
    if sum(map(cramjam.snappy.decompress_raw_len, blocks)) > limit:  # each block begins with its length
        raise _too_large(limit)
    return b"".join(bytes(cramjam.snappy.decompress_raw(block)) for block in blocks)


def _xerial_blocks(data: bytes) -> Iterator[bytes]:
    at = _XERIAL_HEADER_BYTES
    while at < len(data):
        (size,) = struct.unpack_from("!i", data, at)
        at += 4
        if not 0 < size <= len(data) - at:
            raise EOFError
        yield data[at : at + size]
        at += size


def _unlz4(data: bytes, limit: int) -> bytes:
    return _into_buffer(cramjam.lz4.decompress_into, data, limit)


def _unzstd(data: bytes, limit: int) -> bytes:
    return _into_buffer(cramjam.zstd.decompress_into, data, limit)


def _into_buffer(decompress_into: Callable[[bytes, bytearray], int], data: bytes, limit: int) -> bytes:
    size = min(limit, max(_FIRST_BUFFER_BYTES, 8 * len(data)))
    while True:
        buffer = bytearray(size)
        try:
            return bytes(memoryview(buffer)[: decompress_into(data, buffer)])
        except cramjam.DecompressionError as error:
            if _BUFFER_IS_FULL not in str(error):
                raise
            if size == limit:
                raise _too_large(limit) from None
        size = min(limit, 8 * size)


_CODECS: dict[int, tuple[str, Callable[[bytes, int], bytes]]] = {
    1: ("gzip", _gunzip),
    2: ("snappy", _unsnappy),
    3: ("lz4", _unlz4),
    4: ("zstd", _unzstd),
}
