"""An endpoint of the tests: takes webhooks, or answers as told."""

import asyncio
import contextlib
import json
from collections import defaultdict, deque
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from standardwebhooks import Webhook


@dataclass(frozen=True)
class Received:
    """One request, as it came."""

    path: str
    headers: dict[str, str]
    body: str

    def verified(self, secret: str) -> dict[str, Any]:
        """By the published library. Raises where the signature does not fit."""
        message: dict[str, Any] = Webhook(secret).verify(self.body, self.headers)
        return message


@dataclass
class Endpoint:
    """Tells requests apart by their path; says 200 where no other answer is waiting."""

    port: int = 0
    received: list[Received] = field(default_factory=list)
    answers: dict[str, deque[int]] = field(default_factory=lambda: defaultdict(deque))
    always: dict[str, int] = field(default_factory=dict)
    wants_rest: dict[str, str] = field(default_factory=dict)
    """By path, what Retry-After says of each answer."""
    held: dict[str, asyncio.Event] = field(default_factory=dict)
    """Paths that answer only when their event is set."""
    playbooks: dict[str, str] = field(default_factory=dict)
    """By run id, for who takes it for the run engine."""

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def at(self, path: str) -> list[Received]:
        return [request for request in self.received if request.path == path]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            path = head[0].split(" ")[1]
            headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in head[1:] if line)}
            body = (await reader.readexactly(int(headers.get("content-length", 0)))).decode()
            self.received.append(Received(path.partition("?")[0], headers, body))
            if path in self.held:
                await self.held[path].wait()
            if path.startswith("/internal/runs/"):
                writer.write(self._engine(path.split("/")[3]))
                await self._ended(writer)
                return
            status = self.answers[path].popleft() if self.answers[path] else self.always.get(path, 200)
            location = f"Location: {self.url('/elsewhere')}\r\n" if status == 302 else ""
            rest = f"Retry-After: {self.wants_rest[path]}\r\n" if path in self.wants_rest else ""
            writer.write(f"HTTP/1.1 {status} x\r\n{location}{rest}Content-Length: 2\r\n\r\nok".encode())
        await self._ended(writer)

    async def _ended(self, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            await writer.drain()
            writer.close()

    def _engine(self, run_id: str) -> bytes:
        """What the run engine says of a run: that it does not know it, where no playbook is set for it."""
        playbook_id = self.playbooks.get(run_id)
        found = {"success": True, "data": {"sequence": 1, "status": "active", "playbook_id": playbook_id}}
        answer = json.dumps(found if playbook_id else {"success": False, "error": {"code": "NOT_FOUND"}})
        return f"HTTP/1.1 {200 if playbook_id else 404} x\r\nContent-Length: {len(answer)}\r\n\r\n{answer}".encode()


@contextlib.asynccontextmanager
async def endpoint() -> AsyncIterator[Endpoint]:
    taken = Endpoint()
    server = await asyncio.start_server(taken._serve, "127.0.0.1", 0)
    taken.port = server.sockets[0].getsockname()[1]
    try:
        yield taken
    finally:
        for event in taken.held.values():
            event.set()
        server.close()


def types_of(requests: list[Received]) -> list[str]:
    return [json.loads(request.body)["type"] for request in requests]
