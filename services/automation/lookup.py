"""Names looked up once: the addresses that were checked are the ones that are called."""

import asyncio
import socket

from services.automation.domain.addresses import Networks, forbidden_address


class ForbiddenAddress(Exception):
    """The host's name leads to where playbooks must not reach, or can't be a name."""


async def open_addresses(host: str, port: int, allowed: Networks) -> list[str]:
    """What `host` leads to, in the resolver's order. Raises ForbiddenAddress if any of it is not open to playbooks."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError:
        raise ForbiddenAddress(f"host {host} is no host's name") from None
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    for address in addresses:
        if forbidden_address(address, allowed):
            raise ForbiddenAddress(f"host {host} leads to {address}, which is not open to playbooks")
    return addresses
