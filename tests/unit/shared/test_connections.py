"""A closed transport is a lost connection to aiokafka, and a closed connection ends though its broker is silent."""

import asyncio
import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiokafka.conn import AIOKafkaConnection
from aiokafka.errors import KafkaConnectionError
from aiokafka.protocol.metadata import MetadataRequest

import shared.kafka  # noqa: F401 - puts the guards in place
from tests.pki import Authority


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


@contextlib.contextmanager
def silent_broker(context: ssl.SSLContext) -> Iterator[int]:
    """One that takes a connection and never reads from it, as a broker that works on a request. Yields its port."""
    over = threading.Event()

    def serve() -> None:
        accepted, _ = listening.accept()
        with context.wrap_socket(accepted, server_side=True):
            over.wait(60)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield listening.getsockname()[1]
        finally:
            over.set()
            thread.join(10)


async def test_a_connection_over_tls_ends_though_its_broker_does_not_say_good_bye(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def no_lookup(_: AIOKafkaConnection) -> None: ...

    monkeypatch.setattr(AIOKafkaConnection, "_do_version_lookup", no_lookup)
    authority = Authority(tmp_path)
    certificate = authority.issue("kafka")
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    served.load_cert_chain(certificate.certificate, certificate.key)
    trusted = ssl.create_default_context(cafile=str(authority.file))
    with silent_broker(served) as port:
        connection = AIOKafkaConnection("127.0.0.1", port, security_protocol="SSL", ssl_context=trusted)
        await connection.connect()
        async with asyncio.timeout(15):  # the event loop alone would wait for 30 s
            await connection.close()
