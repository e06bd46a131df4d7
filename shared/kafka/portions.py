"""A batch in portions: large records neither pile up in one write nor hold up the small ones behind them."""

from collections.abc import Iterator, Sequence

from shared.messages import Record

PORTION_BYTES = 2 * 1024 * 1024


def portions(records: Sequence[Record]) -> Iterator[tuple[Record, ...]]:
    """In order, each of PORTION_BYTES at most or of a single record."""
    portion: list[Record] = []
    size = 0
    for record in records:
        length = len(record.value or b"")
        if portion and size + length > PORTION_BYTES:
            yield tuple(portion)
            portion, size = [], 0
        portion.append(record)
        size += length
    if portion:
        yield tuple(portion)
