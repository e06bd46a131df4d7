"""Run in a network and mount namespace of its own: calls as the notifier makes them, while a name server is silent.

Prints as JSON how many seconds the calls to an endpoint that needs no name server took.
"""

import asyncio
import fcntl
import json
import socket
import struct
import subprocess
import sys
import tempfile
import time
from ipaddress import ip_network

import httpx
import uvloop

from shared.lookups import Lookups
from shared.outbound import outbound_client, send_pinned

_SIOCSIFFLAGS, _IFF_UP_AND_RUNNING = 0x8914, 0x41
LOOPBACK = [ip_network("127.0.0.0/8"), ip_network("::1/128")]
CALL_SECONDS = 8.0
HANGING = 12


def bring_loopback_up() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        fcntl.ioctl(probe, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", _IFF_UP_AND_RUNNING))


def silent_name_server() -> socket.socket:
    """Takes questions and answers none. The resolver of this namespace asks nobody else."""
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 53))
    with tempfile.NamedTemporaryFile("w", suffix=".conf", delete=False) as conf:
        conf.write("nameserver 127.0.0.1\noptions timeout:30 attempts:1\n")
    subprocess.run(["mount", "--bind", conf.name, "/etc/resolv.conf"], check=True)
    return server


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    await writer.drain()
    writer.close()


async def call(client: httpx.AsyncClient, lookups: Lookups, owner: str, host: str, port: int) -> int:
    request = client.build_request("POST", f"http://{host}:{port}/")
    async with asyncio.timeout(CALL_SECONDS):
        response = await send_pinned(client, request, LOOPBACK, CALL_SECONDS, lookups=lookups, owner=owner)
        await response.aclose()
        return response.status_code


async def main() -> None:
    server = silent_name_server()
    lookups = Lookups()
    client = outbound_client(64, 0, 64 * 1024, lookups)
    async with await asyncio.start_server(answer, "127.0.0.1", 0) as endpoint:
        port = endpoint.sockets[0].getsockname()[1]
        hanging = [
            asyncio.create_task(call(client, lookups, "org_hanging", f"host-{n}.example.com", port))
            for n in range(HANGING)
        ]
        await asyncio.sleep(0.5)  # until the resolver has asked
        server.settimeout(5)
        server.recv(512)
        began = time.monotonic()
        answered = [await call(client, lookups, f"org_{n}", "localhost", port) for n in range(5)]
        seconds = time.monotonic() - began
        ended = await asyncio.gather(*hanging, return_exceptions=True)
    await client.aclose()
    outcomes = sorted({type(outcome).__name__ for outcome in ended})
    print(json.dumps({"seconds": seconds, "answered": answered, "hanging": outcomes}))


if __name__ == "__main__":
    bring_loopback_up()
    uvloop.run(main())
    sys.exit()
