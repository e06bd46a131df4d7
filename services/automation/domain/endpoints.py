"""Where a job goes: to an external worker, or to which address; and which addresses are refused."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal, TypeVar
from urllib.parse import SplitResult, unquote, urlsplit

Channel = Literal["http", "worker"]
ANY_ORGANIZATION = "*"
_LONGEST_ATTEMPT = 24 * 3600.0
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_ALLOWED = re.compile(r"(\*\.)?(\[[0-9a-f:.]+\]|[^\s/?#@:\[\]*]+)(:\d{1,5})?")
PORTS = {"http": 80, "https": 443}
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Target:
    """An address that may be called."""

    url: str
    origin: str
    """`host:port`, by which calls are bounded."""
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


def of_organization(organization_id: str, configured: Mapping[str, T]) -> T | None:
    """What is configured for the organisation itself, else for all others."""
    return configured.get(organization_id, configured.get(ANY_ORGANIZATION))


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
    return Target(base.rstrip("/") + endpoint.partition("#")[0], _origin(urlsplit(base)))


def base_fault(base: str) -> str | None:
    """Why this can't be a base address; None where it can."""
    parts = _split(base)
    if parts is None or parts.scheme not in PORTS or not parts.hostname:
        return "must be http://host[:port][/path] or https://…"
    if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
        return "must have no user, query or fragment"
    return None


def allowed_host_fault(entry: str) -> str | None:
    """Why this can't be an allowed host; None where it can."""
    return None if _ALLOWED.fullmatch(entry.lower()) else "must be host, host:port or *.domain, without scheme and path"


def _absolute(endpoint: str, allowed_hosts: Collection[str]) -> Target | RefusedEndpoint:
    parts = _split(endpoint)
    if parts is None or parts.scheme not in PORTS or not parts.hostname:
        return RefusedEndpoint("api_endpoint is no http or https address")
    if parts.username is not None or parts.password is not None:
        return RefusedEndpoint("api_endpoint must not carry a user or a password")
    if not any(_allows(entry.lower(), parts) for entry in allowed_hosts):
        host = parts.hostname if parts.port is None else f"{parts.hostname}, port {parts.port},"
        return RefusedEndpoint(f"host {host} is not among the organisation's allowed hosts (AUTOMATION_ALLOWED_HOSTS)")
    return Target(endpoint.partition("#")[0], _origin(parts), named_host=parts.hostname)


def _allows(entry: str, parts: SplitResult) -> bool:
    """A host alone stands for its scheme's own port, `*.example.com` for every host below example.com."""
    match = _ALLOWED.fullmatch(entry)
    if match is None:
        return False
    below, host, port = match[1], match[2].strip("[]"), int(match[3][1:]) if match[3] else None
    named = parts.hostname or ""
    return _port(parts) == (port or PORTS[parts.scheme]) and (named.endswith(f".{host}") if below else named == host)


def _origin(parts: SplitResult) -> str:
    return f"{parts.hostname}:{_port(parts)}"


def _port(parts: SplitResult) -> int:
    return parts.port if parts.port is not None else PORTS[parts.scheme]


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
    """Without path parameters: some servers take `/..;x/` for `/../`."""
    path = endpoint.partition("?")[0].partition("#")[0]
    return [segment.partition(";")[0] for segment in unquote(unquote(path)).split("/")]
