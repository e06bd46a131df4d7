"""Calls to addresses that users chose: names are looked up once, and the addresses that were checked are called."""

from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpcore
import httpx

from shared.addresses import Networks, forbidden_address
from shared.bounded_streams import BoundedBackend
from shared.lookups import Lookups

_PORTS = {"http": 80, "https": 443}


class ForbiddenAddress(Exception):
    """The host's name leads to where nobody outside may reach, or can't be a name."""


def outbound_client(connections: int, kept: int, most_bytes: int, lookups: Lookups) -> httpx.AsyncClient:
    """`kept`: how many idle connections stay open; `most_bytes`: of an answer, as it comes over the wire."""
    limits = httpx.Limits(max_connections=connections, max_keepalive_connections=kept)
    return httpx.AsyncClient(
        transport=_Transport(limits, BoundedBackend(most_bytes, lookups)),
        follow_redirects=False,
        # A proxy from the environment would be one more way out of the allowed addresses.
        trust_env=False,
        # No cookies: one organisation's would be sent with another's calls.
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
    )


class _Transport(httpx.AsyncHTTPTransport):
    """httpx's own, over bounded connections."""

    def __init__(self, limits: httpx.Limits, backend: BoundedBackend) -> None:
        tls = httpx.create_ssl_context(trust_env=False)
        super().__init__(verify=tls, trust_env=False)
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=tls,
            max_connections=limits.max_connections,
            max_keepalive_connections=limits.max_keepalive_connections,
            keepalive_expiry=limits.keepalive_expiry,
            network_backend=backend,
        )


async def open_addresses(lookups: Lookups, owner: str, host: str, port: int, allowed: Networks) -> list[str]:
    """What `host` leads to, in the resolver's order. Raises ForbiddenAddress if any of it is not open."""
    try:
        addresses = await lookups.find(owner, host, port)
    except UnicodeError:
        raise ForbiddenAddress(f"host {host} is no host's name") from None
    for address in addresses:
        if forbidden_address(address, allowed):
            raise ForbiddenAddress(f"host {host} leads to {address}, which is not open to calls from here")
    return addresses


async def send_pinned(
    client: httpx.AsyncClient,
    request: httpx.Request,
    allowed: Networks,
    connect_seconds: float,
    *,
    lookups: Lookups,
    owner: str,
) -> httpx.Response:
    """To the first of the host's addresses that can be connected to; certificate and Host stay those of the name.

    `owner`: on whose account the name is looked up. The client must keep no connections: they are found by address, and
    several hosts may share one. The answer's body is still to be read. Raises ForbiddenAddress, OSError or
    httpx.TransportError.
    """
    host, port = request.url.raw_host.decode(), request.url.port or _PORTS[request.url.scheme]
    addresses = await open_addresses(lookups, owner, host, port, allowed)
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
