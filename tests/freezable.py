"""A way to MongoDB that can be frozen: connections stay open, and nothing comes through."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from pymongo.uri_parser import parse_uri


class Freezable:
    def __init__(self, host: str, port: int) -> None:
        self._target = host, port
        self._open = asyncio.Event()
        self._open.set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    @property
    def uri(self) -> str:
        """Of this one server, which the driver does not look beyond."""
        assert self._server is not None
        host, port = self._server.sockets[0].getsockname()
        return f"mongodb://{host}:{port}/?directConnection=true"

    def freeze(self) -> None:
        self._open.clear()

    def thaw(self) -> None:
        self._open.set()

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._connect, "127.0.0.1", 0)

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(*self._target)
        for source, target in ((reader, far_writer), (far_reader, writer)):
            task = asyncio.create_task(self._pass_on(source, target))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pass_on(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await source.read(64 * 1024):
                await self._open.wait()
                target.write(data)
                await target.drain()
        target.close()


@contextlib.asynccontextmanager
async def freezable(mongodb_uri: str) -> AsyncIterator[Freezable]:
    host, port = parse_uri(mongodb_uri)["nodelist"][0]
    way = Freezable(host, port or 27017)
    await way.start()
    try:
        yield way
    finally:
        way.thaw()
        await way.stop()
