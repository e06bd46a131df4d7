"""Where a job goes: to an external worker, or to which address; and which addresses are refused."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Literal
from urllib.parse import SplitResult, unquote, urlsplit

Channel = Literal["http", "worker"]
Networks = Collection[IPv4Network | IPv6Network]
ANY_ORGANIZATION = "*"
_LONGEST_ATTEMPT = 24 * 3600.0
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_NAT64 = IPv6Network("64:ff9b::/96")


@dataclass(frozen=True, slots=True)
class Target:
    """An address that may be called."""

    url: str
    named_host: str | None = None
    """The host where the playbook named it, so that what it leads to is checked; None where the operator named it."""


@dataclass(frozen=True, slots=True)
class RefusedEndpoint:
    """An address that must not be called, and why."""

    reason: str


def channel(endpoint: str | None, base: str | None) -> Channel:
    """An absolute address is a call whatever is configured; anything else needs the organisation's base address."""
    if endpoint is None or (base is None and not _is_absolute(endpoint)):
        return "worker"
    return "http"


def attempt_seconds(wanted: float) -> float:
    """How long one attempt may take, within a day."""
    return min(max(wanted, 0.001), _LONGEST_ATTEMPT)


def base_for(organization_id: str, bases: Mapping[str, str]) -> str | None:
    return bases.get(organization_id) or bases.get(ANY_ORGANIZATION)


def locate(endpoint: str, base: str | None, allowed_hosts: Collection[str]) -> Target | RefusedEndpoint:
    """The address to call. A relative endpoint can leave neither the base's origin nor its path."""
    if any(ord(c) <= 32 or ord(c) == 127 for c in endpoint) or "\\" in endpoint:
        return RefusedEndpoint("api_endpoint has a blank, a control character or a backslash")
    if _is_absolute(endpoint):
        return _absolute(endpoint, allowed_hosts)
    if not endpoint.startswith("/") or endpoint.startswith("//"):
        return RefusedEndpoint("api_endpoint must begin with one '/', or be an absolute address of an allowed host")
    if base is None:
        return RefusedEndpoint("no base address is configured for the organisation")
    if ".." in _segments(endpoint):
        return RefusedEndpoint("api_endpoint must not have '..' in its path")
    return Target(base.rstrip("/") + endpoint.partition("#")[0])


def base_fault(base: str) -> str | None:
    """Why this can't be a base address; None where it can."""
    parts = _split(base)
    if parts is None or parts.scheme not in ("http", "https") or not parts.hostname:
        return "must be http://host[:port][/path] or https://…"
    if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
        return "must have no user, query or fragment"
    return None


def forbidden_address(address: str, allowed: Networks) -> bool:
    """Whether a name resolved to where nobody outside may reach: loopback, link-local, private and reserved ranges."""
    ip = _plain(ip_address(address.partition("%")[0]))
    return (not ip.is_global or ip.is_multicast) and not any(ip in network for network in allowed)


def _plain(ip: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The IPv4 address inside an IPv6 one, which would hide it."""
    if isinstance(ip, IPv6Address):
        if ip in _NAT64:
            return IPv4Address(int(ip) & 0xFFFFFFFF)
        return ip.ipv4_mapped or ip.sixtofour or ip
    return ip


def _absolute(endpoint: str, allowed_hosts: Collection[str]) -> Target | RefusedEndpoint:
    parts = _split(endpoint)
    if parts is None or parts.scheme not in ("http", "https") or not parts.hostname:
        return RefusedEndpoint("api_endpoint is no http or https address")
    if parts.username is not None or parts.password is not None:
        return RefusedEndpoint("api_endpoint must not carry a user or a password")
    if parts.hostname not in {host.lower() for host in allowed_hosts}:
        return RefusedEndpoint(f"host {parts.hostname} is not among the allowed hosts (AUTOMATION_ALLOWED_HOSTS)")
    return Target(endpoint.partition("#")[0], named_host=parts.hostname)


def _is_absolute(endpoint: str) -> bool:
    return _SCHEME.match(endpoint) is not None


def _split(address: str) -> SplitResult | None:
    try:
        parts = urlsplit(address)
        _ = parts.port  # raises where it is no number
    except ValueError:
        return None
    return parts


def _segments(endpoint: str) -> list[str]:
    path = endpoint.partition("?")[0].partition("#")[0]
    return unquote(unquote(path)).split("/")
