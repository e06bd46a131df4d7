"""Calls to addresses that users chose: names are looked up once, and the addresses that were checked are called."""

import asyncio
import socket
from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpcore
import httpx

from shared.addresses import Networks, forbidden_address
from shared.bounded_streams import BoundedBackend

_PORTS = {"http": 80, "https": 443}


class ForbiddenAddress(Exception):
    """The host's name leads to where nobody outside may reach, or can't be a name."""


def outbound_client(connections: int, kept: int, most_bytes: int) -> httpx.AsyncClient:
    """`kept`: how many idle connections stay open; `most_bytes`: of an answer, as it comes over the wire."""
    return httpx.AsyncClient(
        transport=_Transport(httpx.Limits(max_connections=connections, max_keepalive_connections=kept), most_bytes),
        follow_redirects=False,
        # A proxy from the environment would be one more way out of the allowed addresses.
        trust_env=False,
        # No cookies: one organisation's would be sent with another's calls.
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
    )


class _Transport(httpx.AsyncHTTPTransport):
    """httpx's own, over bounded connections."""

    def __init__(self, limits: httpx.Limits, most_bytes: int) -> None:
        tls = httpx.create_ssl_context(trust_env=False)
        super().__init__(verify=tls, trust_env=False)
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=tls,
            max_connections=limits.max_connections,
            max_keepalive_connections=limits.max_keepalive_connections,
            keepalive_expiry=limits.keepalive_expiry,
            network_backend=BoundedBackend(most_bytes),
        )


async def open_addresses(host: str, port: int, allowed: Networks) -> list[str]:
    """What `host` leads to, in the resolver's order. Raises ForbiddenAddress if any of it is not open."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError:
        raise ForbiddenAddress(f"host {host} is no host's name") from None
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    for address in addresses:
        if forbidden_address(address, allowed):
            raise ForbiddenAddress(f"host {host} leads to {address}, which is not open to calls from here")
    return addresses


async def send_pinned(
    client: httpx.AsyncClient, request: httpx.Request, allowed: Networks, connect_seconds: float
) -> httpx.Response:
    """To the first of the host's addresses that can be connected to; certificate and Host stay those of the name.

    The client must keep no connections: they are found by address, and several hosts may share one. The answer's body
    is still to be read. Raises ForbiddenAddress, OSError or httpx.TransportError.
    """
    host, port = request.url.raw_host.decode(), request.url.port or _PORTS[request.url.scheme]
    addresses = await open_addresses(host, port, allowed)
    request.extensions["sni_hostname"] = host
    request.extensions["timeout"] = httpx.Timeout(None, connect=connect_seconds / max(len(addresses), 1)).as_dict()
    for number, address in enumerate(addresses, 1):
        request.url = request.url.copy_with(host=address)
        try:
            return await client.send(request, stream=True)
        except (httpx.ConnectError, httpx.ConnectTimeout):
            if number == len(addresses):
                raise
    raise OSError("the host's name leads nowhere")
