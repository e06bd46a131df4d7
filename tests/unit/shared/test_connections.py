"""A closed transport is a lost connection to aiokafka, whichever event loop it is of."""

import asyncio

import pytest
from aiokafka.conn import AIOKafkaConnection
from aiokafka.errors import KafkaConnectionError
from aiokafka.protocol.metadata import MetadataRequest

import shared.kafka  # noqa: F401 - puts the guard in place


class ClosedWriter:
    """What uvloop does when a closed transport is written to."""

    closed = False

    def write(self, _: bytes) -> None:
        raise RuntimeError("unable to perform operation on <TCPTransport closed=True>; the handler is closed")

    def close(self) -> None:
        self.closed = True


async def test_a_request_over_a_closed_transport_is_refused_as_any_over_a_lost_connection() -> None:
    connection = AIOKafkaConnection("127.0.0.1", 9092)
    connection._writer, connection._reader = writer, _ = ClosedWriter(), asyncio.StreamReader()
    connection._read_task = asyncio.ensure_future(asyncio.sleep(0))
    connection._versions = {MetadataRequest([]).API_KEY: (0, 1)}
    with pytest.raises(KafkaConnectionError, match=r"127\.0\.0\.1:9092 broken.*handler is closed"):
        connection.send(MetadataRequest([]))
    assert writer.closed and not connection.connected()
