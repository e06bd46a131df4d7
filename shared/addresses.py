"""Which addresses a name may lead to: public ones, and those of networks that the operator opened."""

from collections.abc import Collection
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

Networks = Collection[IPv4Network | IPv6Network]
_NAT64 = IPv6Network("64:ff9b::/96")
_LOCAL_NAT64 = IPv6Network("64:ff9b:1::/48")
"""Where in it the IPv4 address stands is its network's own affair."""
_DOCUMENTATION = IPv6Network("3fff::/20")
_RELAYS = IPv4Network("192.88.99.0/24")


def forbidden_address(address: str, allowed: Networks) -> bool:
    """Whether a name resolved to where nobody outside may reach: loopback, link-local, private and reserved ranges."""
    ip = _plain(ip_address(address.partition("%")[0]))
    return not _is_public(ip) and not any(ip in network for network in allowed)


def _is_public(ip: IPv4Address | IPv6Address) -> bool:
    if not ip.is_global or ip.is_multicast or ip.is_reserved:
        return False
    if isinstance(ip, IPv6Address):
        return not ip.is_site_local and ip not in _DOCUMENTATION and ip not in _LOCAL_NAT64
    return ip not in _RELAYS


def _plain(ip: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The IPv4 address inside an IPv6 one, which would hide it."""
    if isinstance(ip, IPv6Address):
        if ip in _NAT64:
            return IPv4Address(int(ip) & 0xFFFFFFFF)
        return ip.ipv4_mapped or ip.sixtofour or ip
    return ip
