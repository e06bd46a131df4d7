"""Names that resolve slowly hold up whoever asked for them, and nobody else."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from shared.lookups import Lookups

ADDRESS = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.1", 443))]


class NameServer:
    """Answers names that end in `.slow.test` only once it is told to, and all others at once."""

    def __init__(self) -> None:
        self.answers = threading.Event()
        self.asked: list[str] = []

    def __call__(self, host: str, port: int, **_: Any) -> Any:
        self.asked.append(host)
        if host.endswith(".slow.test"):
            assert self.answers.wait(30)
        if host.startswith("unknown"):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return ADDRESS


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[NameServer]:
    server = NameServer()
    monkeypatch.setattr(socket, "getaddrinfo", server)
    yield server
    server.answers.set()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - threads bring the news
            await asyncio.sleep(0.005)


async def test_one_who_waits_for_many_names_leaves_others_their_answers(server: NameServer) -> None:
    lookups = Lookups()
    waiting = [asyncio.create_task(lookups.find("org_1", f"{n}.slow.test", 443)) for n in range(100)]
    await until(lambda: len(server.asked) == 4)
    for n in range(20):
        assert await asyncio.wait_for(lookups.find(f"org_{n + 2}", "quick.test", 443), 5) == ["192.0.2.1"]
    assert sum(host.endswith(".slow.test") for host in server.asked) == 4
    server.answers.set()
    assert await asyncio.gather(*waiting) == [["192.0.2.1"]] * 100


async def test_a_look_up_that_nobody_waits_for_any_more_keeps_its_place_until_it_ends(server: NameServer) -> None:
    lookups = Lookups(of_one=1)
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(lookups.find("org_1", "first.slow.test", 443), 0.05)
    for _ in range(3):
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(lookups.find("org_1", "second.slow.test", 443), 0.02)
    assert server.asked == ["first.slow.test"]
    server.answers.set()
    assert await asyncio.wait_for(lookups.find("org_1", "quick.test", 443), 5) == ["192.0.2.1"]


async def test_all_who_ask_for_one_host_share_a_look_up_and_those_after_it_do_not(server: NameServer) -> None:
    lookups = Lookups()
    waiting = [asyncio.create_task(lookups.find("org_1", "same.slow.test", 443)) for _ in range(20)]
    await until(lambda: len(server.asked) > 0)
    server.answers.set()
    await asyncio.gather(*waiting)
    asked = len(server.asked)
    assert asked == 1
    await lookups.find("org_1", "same.slow.test", 443)
    assert len(server.asked) == asked + 1


async def test_a_name_that_is_not_known_is_told_to_all_and_blocks_nothing(server: NameServer) -> None:
    lookups = Lookups(of_one=1, of_all=1)
    for _ in range(3):
        with pytest.raises(socket.gaierror, match="not known"):
            await asyncio.wait_for(lookups.find("org_1", "unknown.test", 443), 5)
    assert await asyncio.wait_for(lookups.find("org_2", "quick.test", 443), 5) == ["192.0.2.1"]
