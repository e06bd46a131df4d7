"""Batches that a reader could not read become empty ones, and no batch becomes more than memory holds."""

from collections.abc import Callable

import pytest
from aiokafka.record.memory_records import MemoryRecords

from shared.kafka.record_batches import DECODED_BYTES, Screened, screen
from tests.record_batches import CODECS, GZIP, HEADER_BYTES, ZSTD, batch, signed, with_unreadable_header

Tamper = Callable[[bytes], bytes]


def screened(*batches: bytes, fetched_from: int = 0) -> Screened:
    return screen("topic", 0, fetched_from, b"".join(batches))


def values(found: Screened) -> list[bytes | None]:
    """Returns what aiokafka reads of it, with its own checks."""
    records, read = MemoryRecords(found.batches), []
    while records.has_next():
        following = records.next_batch()
        assert following is not None and following.validate_crc()
        read += [record.value for record in following]
    return read


def next_offset(found: Screened) -> int:
    records, end = MemoryRecords(found.batches), -1
    while records.has_next():
        following = records.next_batch()
        assert following is not None
        end = int(following.next_offset)
    return end


@pytest.mark.parametrize("codec", CODECS.values(), ids=CODECS)
def test_a_compressed_batch_is_decompressed(codec: int) -> None:
    found = screened(batch([b"a" * 1000, b"b"], codec=codec, base_offset=7))
    assert (values(found), next_offset(found), found.unreadable) == ([b"a" * 1000, b"b"], 9, [])


def test_an_uncompressed_batch_stays_as_it_is() -> None:
    built = batch([b"a"])
    assert screened(built).batches == built


@pytest.mark.parametrize("codec", CODECS.values(), ids=CODECS)
def test_a_batch_that_decompresses_to_more_than_the_bound_is_skipped(codec: int) -> None:
    found = screened(batch([b"0" * DECODED_BYTES], codec=codec), batch([b"next"], base_offset=1))
    assert values(found) == [b"next"]
    assert "more than 8388608 bytes when decompressed" in str(found.unreadable[0].reason)


def _flipped(built: bytes) -> bytes:
    return built[:-1] + bytes([built[-1] ^ 1])


def _of_an_unknown_codec(built: bytes) -> bytes:
    return signed(built[:22] + b"\x07" + built[23:])


def _cut_in_its_records(built: bytes) -> bytes:
    return signed(built[:HEADER_BYTES] + b"\x7f" + built[HEADER_BYTES + 1 :])


def _of_an_old_format(built: bytes) -> bytes:
    return built[:16] + b"\x01" + built[17:]


def _with_garbage_for_lz4(built: bytes) -> bytes:
    return signed(built[:22] + b"\x03" + built[23:])


TAMPERS: dict[Tamper, str] = {
    _flipped: "its checksum does not match",
    _of_an_unknown_codec: "codec 7 is unknown",
    _cut_in_its_records: "its records are malformed",
    _of_an_old_format: "its format is 1",
    _with_garbage_for_lz4: "the lz4 data is damaged",
}


@pytest.mark.parametrize("tamper", TAMPERS, ids=lambda tamper: tamper.__name__)
def test_a_batch_that_cant_be_read_is_skipped_with_its_reason(tamper: Tamper) -> None:
    bad = tamper(batch([b"secret"] * 3, base_offset=5))
    found = screened(batch([b"before"], base_offset=4), bad, batch([b"behind"], base_offset=8), fetched_from=4)
    assert values(found) == [b"before", b"behind"]
    (unreadable,) = found.unreadable
    assert (unreadable.offset, unreadable.value) == (5, bad)
    assert TAMPERS[tamper] in str(unreadable.reason) and "offsets 5 to 7" in str(unreadable.reason)
    assert "secret" not in str(unreadable.reason)


def test_a_header_with_a_name_that_is_not_utf8_stops_nothing() -> None:
    found = screened(with_unreadable_header(b"odd"), batch([b"behind"], base_offset=1))
    assert values(found) == [b"behind"]


def test_an_unreadable_batch_alone_lets_the_reader_go_on_behind_it() -> None:
    found = screened(_flipped(batch([b"x"] * 3, base_offset=5)), fetched_from=6)
    assert (values(found), next_offset(found)) == ([], 8)


def test_a_damaged_header_never_skips_a_record_that_is_readable() -> None:
    """It claims to end at offset 1005; only its own first record is given up."""
    damaged = batch([b"x"], base_offset=5)
    damaged = damaged[:23] + (1000).to_bytes(4, "big") + damaged[27:]
    assert next_offset(screened(damaged, fetched_from=5)) == 6
    assert values(screened(damaged, batch([b"behind"], base_offset=6), fetched_from=5)) == [b"behind"]


@pytest.mark.parametrize("codec", [GZIP, ZSTD])
def test_many_compressed_batches_together_stay_within_the_bound(codec: int) -> None:
    """What is left out is fetched next."""
    size = DECODED_BYTES // 3
    batches = [batch([bytes([number]) * size], codec=codec, base_offset=number) for number in range(20)]
    found = screened(*batches)
    assert len(found.batches) <= DECODED_BYTES and next_offset(found) == 2


def test_a_batch_that_was_cut_off_is_left_to_the_next_fetch() -> None:
    whole, cut = batch([b"a"]), batch([b"b"], base_offset=1)[:-3]
    assert screened(whole, cut).batches == whole
    assert screened(cut).batches == cut
