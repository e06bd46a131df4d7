"""What is read from whoever users chose."""

import asyncio

import httpcore
import pytest

from shared.bounded_streams import BoundedBackend
from shared.lookups import Lookups

KIB = 1024


async def _flooding(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while await reader.read(100):
        writer.write(b"x" * 60 * KIB)
        await writer.drain()
    writer.close()


async def test_an_answer_is_read_in_small_pieces_up_to_its_bound_and_the_next_anew() -> None:
    """One large piece of many small parts would keep everybody else waiting while it is taken apart."""
    async with await asyncio.start_server(_flooding, "127.0.0.1", 0) as server:
        stream = await BoundedBackend(100 * KIB, Lookups()).connect_tcp("127.0.0.1", server.sockets[0].getsockname()[1])
        for _ in range(2):  # 120 KiB in all, of two answers
            await stream.write(b"request")
            left = 60 * KIB
            while left:
                piece = await stream.read(64 * KIB, 30)
                assert 0 < len(piece) <= 8 * KIB
                left -= len(piece)
        await stream.aclose()


async def test_a_longer_answer_is_given_up() -> None:
    async with await asyncio.start_server(_flooding, "127.0.0.1", 0) as server:
        stream = await BoundedBackend(59 * KIB, Lookups()).connect_tcp("127.0.0.1", server.sockets[0].getsockname()[1])
        await stream.write(b"request")
        with pytest.raises(httpcore.RemoteProtocolError, match="more than 60416 bytes"):
            while await stream.read(64 * KIB, 30):
                pass
        await stream.aclose()
