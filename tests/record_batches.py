"""Record batches made by hand, with what no client library writes."""

import zlib
from collections.abc import Iterable
from struct import pack, pack_into

from aiokafka import TopicPartition
from aiokafka.client import AIOKafkaClient
from aiokafka.protocol.produce import ProduceRequest
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.util import calc_crc32c

from tests.kafka import client_options

NONE, GZIP, SNAPPY, LZ4, ZSTD = range(5)
CODECS = {"gzip": GZIP, "snappy": SNAPPY, "lz4": LZ4, "zstd": ZSTD}
HEADER_BYTES = 61
CHECKED_FROM = 21


def batch(
    values: Iterable[bytes], *, codec: int = NONE, base_offset: int = 0, headers: Iterable[tuple[str, bytes]] = ()
) -> bytes:
    """Returns a batch of format 2 whose checksum matches."""
    builder = DefaultRecordBatchBuilder(2, codec, 0, -1, -1, -1, 1 << 30)
    for number, value in enumerate(values):
        builder.append(number, 1_700_000_000_000, b"key", value, list(headers))
    built = bytearray(builder.build())
    pack_into(">q", built, 0, base_offset)
    return bytes(built)


def signed(tampered: bytes) -> bytes:
    """Returns the batch with a checksum that matches what it has now."""
    built = bytearray(tampered)
    pack_into(">I", built, CHECKED_FROM - 4, calc_crc32c(bytes(built[CHECKED_FROM:])))
    return bytes(built)


def with_unreadable_header(value: bytes) -> bytes:
    """Returns a batch whose record has a header with a name that is not UTF-8: brokers take it."""
    return signed(batch([value], headers=[("oddly", b"named")]).replace(b"oddly", b"\xff\xfe\xfd\xfc\xfb"))


def bomb(size: int) -> bytes:
    """Returns a batch of one record of `size` bytes, compressed with gzip to a thousandth without holding it."""
    chunk = b"0" * 1024 * 1024
    assert size % len(chunk) == 0
    before, behind = b"\0" + _varint(0) + _varint(0) + _varint(-1) + _varint(size), _varint(0)
    compressor = zlib.compressobj(9, zlib.DEFLATED, 31)
    parts = [compressor.compress(_varint(len(before) + size + len(behind)) + before)]
    parts += [compressor.compress(chunk) for _ in range(size // len(chunk))]
    records = b"".join([*parts, compressor.compress(behind), compressor.flush()])
    moment = 1_700_000_000_000
    length = HEADER_BYTES - 12 + len(records)
    return signed(pack(">qiibIhiqqqhii", 0, length, -1, 2, 0, GZIP, 0, moment, moment, -1, -1, -1, 1) + records)


def _varint(number: int) -> bytes:
    rest = (number << 1) ^ (number >> 63)
    found = b""
    while rest > 0x7F:
        found += bytes([rest & 0x7F | 0x80])
        rest >>= 7
    return found + bytes([rest])


async def send(bootstrap_servers: str, topic: str, partition: int, built: bytes) -> int:
    """Sends the batch as it is and returns the broker's error code."""
    client = AIOKafkaClient(**client_options(bootstrap_servers))
    await client.bootstrap()
    try:
        await client._wait_on_metadata(topic)
        request = ProduceRequest(
            transactional_id=None, required_acks=-1, timeout=30_000, topics=[(topic, [(partition, built)])]
        )
        node = client.cluster.leader_for_partition(TopicPartition(topic, partition))
        response = await client.send(node, request)
        return int(response.topics[0][1][0][1])
    finally:
        await client.close()
