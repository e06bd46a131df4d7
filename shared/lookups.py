"""Look-ups of hosts' names that users chose: apart from all others, and bounded for each of those who ask.

uvloop looks names up in four threads of libuv, which the whole process shares: four name servers that never answer
would stop every look-up of the service, Kafka's and MongoDB's included, for as long as the resolver tries.
"""

import asyncio
import contextlib
import socket
from collections.abc import Sequence
from threading import Thread
from weakref import WeakValueDictionary

_OF_ONE = 4
_OF_ALL = 256
_Key = tuple[str, str, int]


class Lookups:
    """Each look-up has a thread of its own, which can't be stopped: it keeps its place until the resolver gives up.

    Who waits for the same host waits for the same look-up, so that `of_one` bounds hosts and not calls.
    """

    def __init__(self, of_one: int = _OF_ONE, of_all: int = _OF_ALL) -> None:
        self._of_one = of_one
        self._all = asyncio.Semaphore(of_all)
        self._shares: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()
        self._under_way: dict[_Key, asyncio.Future[list[str]]] = {}

    async def find(self, owner: str, host: str, port: int) -> list[str]:
        """Returns the host's addresses, in the resolver's order. `owner`: on whose account it is looked up.

        Raises OSError, and UnicodeError for what can't be a name. The caller bounds the time.
        """
        key = (owner, host, port)
        found = self._under_way.get(key)
        if found is None:
            places = await self._take_places(owner)
            found = self._under_way.get(key)  # another may have begun meanwhile
            if found is None:
                found = self._begin(key, places)
            else:
                _give_back(places)
        return await asyncio.shield(found)

    async def _take_places(self, owner: str) -> Sequence[asyncio.Semaphore]:
        """One of the owner's, then one of all: an owner who has used up theirs waits without anybody else."""
        share = self._shares.get(owner)
        if share is None:
            share = self._shares[owner] = asyncio.Semaphore(self._of_one)
        await share.acquire()
        try:
            await self._all.acquire()
        except BaseException:
            share.release()
            raise
        return share, self._all

    def _begin(self, key: _Key, places: Sequence[asyncio.Semaphore]) -> "asyncio.Future[list[str]]":
        loop = asyncio.get_running_loop()
        found: asyncio.Future[list[str]] = loop.create_future()
        found.add_done_callback(_look_at_error)

        def end(addresses: list[str], error: Exception | None) -> None:
            _give_back(places)
            del self._under_way[key]
            if error is None:
                found.set_result(addresses)
            else:
                found.set_exception(error)

        def look_up() -> None:
            result = _look_up(key)
            with contextlib.suppress(RuntimeError):  # the loop may be over by now
                loop.call_soon_threadsafe(end, *result)

        self._under_way[key] = found
        try:
            Thread(target=look_up, name=f"lookup {key[1]}"[:60], daemon=True).start()
        except RuntimeError as error:
            end([], OSError(f"no thread for the look-up: {error}"))
        return found


def _look_up(key: _Key) -> tuple[list[str], Exception | None]:
    _, host, port = key
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except Exception as error:  # whatever it is belongs to those who wait
        return [], error
    return list(dict.fromkeys(str(entry[4][0]) for entry in found)), None


def _give_back(places: Sequence[asyncio.Semaphore]) -> None:
    for place in places:
        place.release()


def _look_at_error(found: "asyncio.Future[list[str]]") -> None:
    """Takes the error of a look-up whose callers have all gone, so that asyncio doesn't complain about it."""
    if not found.cancelled():
        found.exception()
