"""Attacks by `api_endpoint`: a trap listens on every address of this machine and records whatever reaches it."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_network
from typing import Any

import pytest
import pytest_asyncio

from services.automation.calls import Caller, CallLimits
from services.automation.domain.answers import Outcome
from services.automation.store import StoredJob
from shared.addresses import Networks
from tests.integration.automation.conftest import ORGANIZATION, Endpoint, http, job, serving

LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
NAMED = [
    # loopback, said in every way
    "http://127.0.0.1:{trap}/", "http://localhost:{trap}/", "http://localhost.:{trap}/", "http://LOCALHOST:{trap}/",
    "http://127.1:{trap}/", "http://127.255.255.254:{trap}/", "http://0:{trap}/", "http://0.0.0.0:{trap}/",
    "http://2130706433:{trap}/", "http://0x7f000001:{trap}/", "http://0x7f.1:{trap}/", "http://0177.0.0.1:{trap}/",
    "http://017700000001:{trap}/", "http://127.0.0.1.:{trap}/", "http://127.0.0.1%00.ok.example:{trap}/",
    # IPv6, and IPv4 inside it
    "http://[::1]:{trap}/", "http://[::]:{trap}/", "http://[0:0:0:0:0:0:0:1]:{trap}/",
    "http://[::ffff:127.0.0.1]:{trap}/", "http://[::ffff:7f00:1]:{trap}/", "http://[::127.0.0.1]:{trap}/",
    "http://[2002:7f00:1::]:{trap}/", "http://[64:ff9b::7f00:1]:{trap}/", "http://[::1%251]:{trap}/",
    "http://[::1%25lo]:{trap}/", "http://[fe80::1%25lo]:{trap}/", "http://[::1%lo]:{trap}/", "http://[::1%00]:{trap}/",
    "http://[::ffff:0:7f00:1]:{trap}/", "http://[2002:a9fe:a9fe::]/", "http://[64:ff9b::a9fe:a9fe]/",
    "http://[64:ff9b:1::7f00:1]:{trap}/", "http://[64:ff9b:1:7f00:0:100:5db8:d822]/", "http://[::%32]:{trap}/",
    "http://localhost.localdomain:{trap}/", "http://0.0.0.0.:{trap}/", "http://127.0.0.1.nip.invalid:{trap}/",
    # this machine's own address, the cloud's metadata, private and shared ranges
    "http://{own}:{trap}/", "http://169.254.169.254/latest/meta-data/", "http://[fd00:ec2::254]/latest/meta-data/",
    "http://2852039166/", "http://10.0.0.1/", "http://172.16.0.1/", "http://192.168.0.1/", "http://100.64.0.1/",
    # letters that are read as others
    "http://ⓛocalhost:{trap}/", "http://１２７.0.0.1:{trap}/", "http://①②⑦.⓪.⓪.①:{trap}/",
    "http://127。0。0。1:{trap}/", "http://%6c%6fcalhost:{trap}/", "http://%31%32%37.0.0.1:{trap}/",
    "http://loca\u00adlhost:{trap}/", "http://localhost%2e:{trap}/",
    # a user where a host seems to be, and the other way about
    "http://ok.example@127.0.0.1:{trap}/", "http://ok.example:80@127.0.0.1:{trap}/", "http://@127.0.0.1:{trap}/",
    "http://ok.example%40127.0.0.1:{trap}/", "http://127.0.0.1:{trap}\\@ok.example/",
    "http://127.0.0.1:{trap}#@ok.example/", "http://127.0.0.1:{trap}?@ok.example/", "http://a:b@localhost:{trap}/",
    # what is no http, or no address
    "ftp://127.0.0.1:{trap}/", "gopher://127.0.0.1:{trap}/_x", "file:///etc/passwd", "unix:/tmp/trap",
    "http:127.0.0.1:{trap}/", "http:/127.0.0.1:{trap}/", "http:///127.0.0.1:{trap}/", "http://127.0.0.1:{trap}\t/",
    "http://ok.example/\r\nHost:127.0.0.1:{trap}", "http://ok.example\u010d\u010a/", "http://127.0.0.1\r\n:{trap}/",
    "http://127.0.0.1:0{trap}/", "http://[127.0.0.1]:{trap}/",
    "http://" + "a" * 70 + ".example/", "http://[v1.x]:{trap}/", "http://127.0.0.1:99999/",
]  # fmt: skip
RELATIVE = [
    "//127.0.0.1:{trap}/", "///127.0.0.1:{trap}/", "\\\\127.0.0.1:{trap}/", "/\\127.0.0.1:{trap}/",
    "@127.0.0.1:{trap}/", ":{trap}/", ".evil.example/", "/../../x", "/%2e%2e/x", "/..;/x", "/a%2f..%2f..%2fx",
    "/x HTTP/1.1\r\nHost: 127.0.0.1:{trap}\r\n\r\n",
]  # fmt: skip


INJECTIONS = [
    "/a%0d%0aX-Injected:1", "/a\u010d\u010aX-Injected:1", "/a\u560d\u560aX-Injected:1", "/a\u2028X-Injected:1",
    "/a\u0085X-Injected:1", "/a?b=%0d%0aX-Injected:1", "/a?b=\u010d\u010aX-Injected:1", "/a;\u00a0X-Injected:1",
]  # fmt: skip


@dataclass
class Trap:
    """Listens on all addresses, IPv4 and IPv6."""

    port: int = 0
    reached_by: list[bytes] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reached_by.append(await reader.read(2000))
        writer.write(http(200, b'{"secret": "of the inside"}'))
        writer.close()


@contextlib.asynccontextmanager
async def trapping() -> AsyncIterator[Trap]:
    trap = Trap()
    async with contextlib.AsyncExitStack() as stack:
        server = await stack.enter_async_context(await asyncio.start_server(trap.serve, "0.0.0.0", 0))
        trap.port = server.sockets[0].getsockname()[1]
        if socket.has_ipv6:
            with contextlib.suppress(OSError):
                await stack.enter_async_context(await asyncio.start_server(trap.serve, "::", trap.port))
        yield trap


@dataclass
class Site:
    """A trap, an organisation's own server, and calls as the service makes them."""

    trap: Trap
    own: Endpoint

    async def call(self, endpoint: str, hosts: frozenset[str], networks: Networks = ()) -> Outcome:
        """With these hosts allowed to the organisation, whose base address is its own server's."""
        bases = {ORGANIZATION: f"http://127.0.0.1:{self.own.port}/hera"}
        caller = Caller(CallLimits(bases, {"*": hosts}, {"*": networks}, 2048), connections=2)
        await caller.start()
        try:
            return await caller.call(StoredJob(job(endpoint, timeout_seconds=3), "http", "req_1", "cause_1", None))
        finally:
            await caller.stop()


@pytest_asyncio.fixture(loop_scope="session")
async def site() -> AsyncIterator[Site]:
    async with trapping() as trap, serving() as own:
        yield Site(trap, own)


def everything(endpoint: str) -> frozenset[str]:
    """An operator so careless that whatever host and port the endpoint may be taken to name is allowed."""
    after = endpoint.partition("//")[2] or endpoint
    parts = {after.split(mark)[0] for mark in "/#?\\@"} | {after.rpartition("@")[2].partition("/")[0]}
    return frozenset(parts | {part.rpartition(":")[0] for part in parts} | {"ok.example", "127.0.0.1", "localhost"})


def own_address() -> str:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return "127.0.0.1"
        return str(probe.getsockname()[0])


@pytest.mark.parametrize("endpoint", NAMED + RELATIVE, ids=ascii)
async def test_an_attack_reaches_nothing_even_where_its_very_host_is_allowed(site: Site, endpoint: str) -> None:
    named = endpoint.replace("{trap}", str(site.trap.port)).replace("{own}", own_address())
    outcome = await site.call(named, everything(named))
    assert outcome.outcome == "failure", outcome
    assert (site.trap.reached_by, site.own.requests) == ([], [])


async def test_the_trap_would_have_been_reached_where_the_operator_opened_the_network(site: Site) -> None:
    port = site.trap.port
    outcome = await site.call(f"http://localhost:{port}/", frozenset({f"localhost:{port}"}), LOOPBACK)
    assert outcome == Outcome("success", {"secret": "of the inside"})
    assert len(site.trap.reached_by) == 1


class Resolver:
    """Answers one name with another address each time it is asked, and all others as ever."""

    def __init__(self, *addresses: str) -> None:
        self.addresses = list(addresses)
        self.asked = 0
        self._real = socket.getaddrinfo

    def __call__(self, host: Any, port: Any, *more: Any, **options: Any) -> Any:
        if host not in ("rebind.example", b"rebind.example"):
            return self._real(host, port, *more, **options)
        self.asked += 1
        address = self.addresses[min(self.asked, len(self.addresses)) - 1]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (part, int(port))) for part in address.split()]


@pytest.fixture
def resolving(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Resolver]:
    def with_(*addresses: str) -> Resolver:
        resolver = Resolver(*addresses)
        monkeypatch.setattr(socket, "getaddrinfo", resolver)
        return resolver

    return with_


async def test_a_name_that_changes_its_address_is_called_where_it_was_checked(
    site: Site, resolving: Callable[..., Resolver]
) -> None:
    resolver = resolving("127.9.9.9", "127.0.0.1")  # the first is open, as a public one would be
    reached: list[str] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        reached.append(writer.get_extra_info("sockname")[0])
        writer.write(http(200, b"{}"))
        writer.close()

    async with await asyncio.start_server(answer, "127.9.9.9", 0) as server:
        port = server.sockets[0].getsockname()[1]
        hosts = frozenset({f"rebind.example:{port}"})
        outcome = await site.call(f"http://rebind.example:{port}/", hosts, [ip_network("127.9.9.9/32")])
        assert (outcome.outcome, reached, resolver.asked) == ("success", ["127.9.9.9"], 1)
        again = await site.call(f"http://rebind.example:{port}/", hosts, [ip_network("127.9.9.9/32")])
    assert "leads to 127.0.0.1" in (again.error or "")
    assert len(reached) == 1


async def test_one_forbidden_address_among_open_ones_is_one_too_many(
    site: Site, resolving: Callable[..., Resolver]
) -> None:
    resolving("93.184.216.34 127.0.0.1")
    port = site.trap.port
    outcome = await site.call(f"http://rebind.example:{port}/", frozenset({f"rebind.example:{port}"}))
    assert "leads to 127.0.0.1" in (outcome.error or "")
    assert site.trap.reached_by == []


async def test_the_next_address_is_tried_where_nobody_is_at_the_first(
    site: Site, resolving: Callable[..., Resolver]
) -> None:
    resolving("127.9.9.8 127.0.0.1")
    async with await asyncio.start_server(site.trap.serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        outcome = await site.call(f"http://rebind.example:{port}/", frozenset({f"rebind.example:{port}"}), LOOPBACK)
    assert outcome.outcome == "success"
    assert b"Host: rebind.example" in site.trap.reached_by[0]


REDIRECTS: Mapping[str, str] = {
    "absolute": "http://127.0.0.1:{trap}/", "without scheme": "//127.0.0.1:{trap}/", "name": "http://localhost:{trap}/",
}  # fmt: skip


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("to", REDIRECTS.values(), ids=REDIRECTS)
async def test_a_redirect_leads_nowhere(site: Site, status: int, to: str) -> None:
    location = f"location: {to.format(trap=site.trap.port)}\r\nrefresh: 0; url=http://127.0.0.1:{site.trap.port}/\r\n"
    site.own.answers["/hera/moved"] = lambda: http(status, headers=location)
    outcome = await site.call("/moved", frozenset({"127.0.0.1"}), LOOPBACK)
    assert (outcome.outcome, outcome.retryable) == ("failure", False)
    assert site.trap.reached_by == []


class AtAnyPath(dict[str, Callable[[], bytes]]):
    def get(self, *_: Any) -> Callable[[], bytes]:
        return lambda: http(200, b"{}")


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"])
async def test_a_proxy_of_the_environment_is_not_asked(site: Site, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """It would look names up anew, and reach what this service must not."""
    monkeypatch.setenv(name, f"http://127.0.0.1:{site.trap.port}")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    site.own.answers["/hera/x"] = lambda: http(200, b"{}")
    for endpoint in ("/x", f"http://localhost:{site.own.port}/hera/x"):
        await site.call(endpoint, frozenset({f"localhost:{site.own.port}"}), LOOPBACK)
    assert len(site.own.requests) == 2
    assert site.trap.reached_by == []


@pytest.mark.parametrize("endpoint", INJECTIONS, ids=ascii)
async def test_an_endpoint_writes_no_header(site: Site, endpoint: str) -> None:
    site.own.answers = AtAnyPath()
    await site.call(endpoint, frozenset())
    ((headers, _),) = site.own.requests
    assert "x-injected" not in headers
    assert set(headers) == {
        "host", "user-agent", "connection", "content-length", "content-type", "accept", "accept-encoding",
        "idempotency-key", "x-request-id",
    }  # fmt: skip
