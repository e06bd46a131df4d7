"""Connections to whoever users chose: an answer has so many bytes at most, and is read piece by piece."""

import asyncio
import ssl
from collections.abc import Iterable
from ipaddress import ip_address
from typing import Any

import httpcore

from shared.lookups import Lookups

_PIECE = 8 * 1024
"""Tiny parts, such as 1xx answers or chunks, cost more to read than to send: between two pieces all others have their
turn."""


class BoundedBackend(httpcore.AsyncNetworkBackend):
    """Looks names up apart from the rest of the process (`Lookups`), each host's on its own account."""

    def __init__(self, most_bytes: int, lookups: Lookups) -> None:
        self._most = most_bytes
        self._lookups = lookups
        self._backend = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Raises httpcore.ConnectError or ConnectTimeout; the time counts for each address, and for the look-up."""
        addresses = [host] if _is_address(host) else await self._find(host, port, timeout)
        for number, address in enumerate(addresses, 1):
            try:
                stream = await self._backend.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                if number == len(addresses):
                    raise
            else:
                return _BoundedStream(stream, self._most)
        raise httpcore.ConnectError(f"{host} leads nowhere")

    async def _find(self, host: str, port: int, timeout: float | None) -> list[str]:
        try:
            async with asyncio.timeout(timeout):
                return await self._lookups.find(host, host, port)
        except TimeoutError:
            raise httpcore.ConnectTimeout(f"{host} was not looked up in time") from None
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError(str(error)) from error

    async def sleep(self, seconds: float) -> None:
        await self._backend.sleep(seconds)


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


class _BoundedStream(httpcore.AsyncNetworkStream):
    """Counts from the last write on, which is a request's: with its status line, headers, chunks and 1xx answers."""

    def __init__(self, stream: httpcore.AsyncNetworkStream, most_bytes: int) -> None:
        self._stream = stream
        self._most = self._left = most_bytes

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        part = await self._stream.read(min(max_bytes, _PIECE), timeout)
        self._left -= len(part)
        if self._left < 0:
            raise httpcore.RemoteProtocolError(f"the answer has more than {self._most} bytes on the wire")
        return part

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._left = self._most
        await self._stream.write(buffer, timeout)

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.AsyncNetworkStream:
        return _BoundedStream(await self._stream.start_tls(ssl_context, server_hostname, timeout), self._most)

    async def aclose(self) -> None:
        await self._stream.aclose()

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
