"""Bytes that are no HTTP request are refused in the envelope too."""

import asyncio

import orjson
import pytest
from starlette.responses import PlainTextResponse
from uvicorn import Config
from uvicorn.server import ServerState

from shared.http_protocol import EnvelopeProtocol


@pytest.mark.parametrize(
    "sent", [b"FOO /api/v1/playbooks HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x02\x00", b"GET / HTTP/1.1\r\nbroken\r\n\r\n"]
)
async def test_answers_in_the_envelope_and_closes(sent: bytes) -> None:
    config = Config(PlainTextResponse("reached"), log_config=None)
    config.load()
    state = ServerState()
    server = await asyncio.get_running_loop().create_server(
        lambda: EnvelopeProtocol(config=config, server_state=state, app_state={}), "127.0.0.1", 0
    )
    async with server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(sent)
        head, _, body = (await asyncio.wait_for(reader.read(), 10)).partition(b"\r\n\r\n")
        writer.close()
    status, *headers = head.decode().lower().split("\r\n")
    assert status == "http/1.1 400 bad request"
    names = {line.split(":")[0] for line in headers}
    assert {"content-type", "x-request-id"} <= names
    answer = orjson.loads(body)
    assert (answer["success"], answer["error"]["code"]) == (False, "VALIDATION_ERROR")
