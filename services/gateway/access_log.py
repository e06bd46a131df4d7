"""The gateway's part of the access log: it counts refused calls, and stores records with the engine."""

import asyncio
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
import structlog
from fastapi import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from contracts.access_log import AccessRecord
from services.gateway.owners import Owner, Params
from services.gateway.routes.paths import is_id
from shared import clock
from shared.auth import Identity
from shared.correlation import correlation
from shared.errors import Refused, Unavailable
from shared.ids import new_id

REFUSED = frozenset({401, 403, 404, 429})
FLUSH_SECONDS = 2.0
DETAILED_A_MINUTE = 500
"""So many kinds of refused calls are told apart by caller and run in a minute. What comes beyond is counted by
organization, operation and status only: guessed run ids must fill neither the memory nor the log."""
_WAITING = 10 * DETAILED_A_MINUTE
"""As many kinds are told apart while the engine is away, however long."""
_AT_ONCE = 500
_RUN_IN_PATH = re.compile(r"/api/v1/playbook-runs/(run_[^/]+)")
_CALLER = "hera.identity"
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Kind:
    """Refused calls that differ in nothing but their times and request ids."""

    organization_id: str | None
    operation: str | None
    status: int
    user: str | None = None
    user_type: str | None = None
    run_id: str | None = None

    def without_details(self) -> "_Kind":
        return _Kind(self.organization_id, self.operation, self.status)


@dataclass(slots=True)
class _Calls:
    """How often one kind came since the last flush."""

    first: datetime
    last: datetime
    correlation_id: str
    count: int = 0

    def record(self, kind: _Kind) -> AccessRecord:
        return AccessRecord(
            access_id=new_id("acc"),
            at=self.first,
            until=self.last if self.count > 1 else None,
            count=self.count,
            organization_id=kind.organization_id,
            run_id=kind.run_id,
            user=kind.user,
            user_type=kind.user_type,
            operation=kind.operation,
            outcome="refused",
            status=kind.status,
            correlation_id=self.correlation_id,
        )


class AccessLog:
    """Counts refused calls in memory, and hands them to the engine, which keeps the log, a few seconds later."""

    def __init__(self, run_engine: Owner) -> None:
        self._run_engine = run_engine
        self._calls: dict[_Kind, _Calls] = {}
        self._unsent: list[AccessRecord] = []
        self._detailed: set[_Kind] = set()
        self._minute = 0

    def count(self, scope: Scope, status: int) -> None:
        """Notes a refused call. Looks nothing up: who called is known if the call came that far."""
        now = clock.now()
        kind = self._limit_details(_kind(scope, status), now)
        calls = self._calls.get(kind)
        if calls is None:
            calls = self._calls[kind] = _Calls(now, now, correlation().correlation_id)
        calls.count, calls.last = calls.count + 1, now

    def _limit_details(self, kind: _Kind, now: datetime) -> _Kind:
        minute = int(now.timestamp() // 60)
        if minute != self._minute:
            self._minute, self._detailed = minute, set()
        is_full = len(self._detailed) >= DETAILED_A_MINUTE or len(self._calls) >= _WAITING
        if kind not in self._detailed and is_full:
            return kind.without_details()
        self._detailed.add(kind)
        return kind

    async def round(self) -> None:
        """One round of the service's loop."""
        await asyncio.sleep(FLUSH_SECONDS)
        await self.flush()

    async def flush(self) -> None:
        """Sends what was counted. While the engine is away it is kept, and counting goes on."""
        try:
            await self._send()
        except (Unavailable, Refused) as error:
            log.warning("access_log_waits", error=str(error), records=len(self._unsent), kinds=len(self._calls))

    async def _send(self) -> None:
        """What was not acknowledged is sent again under the same ids, before anything new."""
        if not self._unsent:
            counted, self._calls = self._calls, {}
            self._unsent = [calls.record(kind) for kind, calls in counted.items()]
        while self._unsent:
            await self._store(self._unsent[:_AT_ONCE])
            del self._unsent[:_AT_ONCE]

    async def disclose(self, request: Request, identity: Identity) -> None:
        """Stores that the caller is about to be told a secret. Raises Unavailable: it must not be told then."""
        record = AccessRecord(
            access_id=new_id("acc"),
            at=clock.now(),
            organization_id=identity.organization_id,
            user=identity.caller.id,
            user_type=identity.caller.type,
            operation=_operation(request.scope),
            outcome="disclosed",
            correlation_id=correlation().correlation_id,
        )
        await self._store([record])

    async def _store(self, records: Iterable[AccessRecord]) -> None:
        """Returns when the records are stored. Raises Unavailable, Refused."""
        body = orjson.dumps([record.model_dump(mode="json") for record in records])
        (await self._run_engine.post("/internal/access-log", [], body)).data()


class RefusedCalls:
    """ASGI middleware inside the edge: each answer that refuses a call is counted in the access log."""

    def __init__(self, app: ASGIApp, access_log: AccessLog) -> None:
        self._app = app
        self._access_log = access_log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] in REFUSED:
                self._count(scope, message["status"])
            await send(message)

        await self._app(scope, receive, answer if scope["type"] == "http" else send)

    def _count(self, scope: Scope, status: int) -> None:
        if scope["path"].startswith("/api/"):
            self._access_log.count(scope, status)


def note_caller(scope: Scope, identity: Identity) -> None:
    """Leaves word of who calls, for the access log."""
    scope[_CALLER] = identity


def accessed_by(request: Request, identity: Identity) -> Params:
    """Returns who reads what, as the engine takes it for its access log."""
    told = {
        "accessed_by": identity.caller.id,
        "accessed_by_type": identity.caller.type,
        "operation": _operation(request.scope),
    }
    return [(name, value) for name, value in told.items() if value is not None]


def _operation(scope: Scope) -> str | None:
    """Returns the id that the OpenAPI document has for the call; None for a path that leads nowhere."""
    name: Any = getattr(scope.get("route"), "operation_id", None)
    return name if isinstance(name, str) else None


def _kind(scope: Scope, status: int) -> _Kind:
    identity: Identity | None = scope.get(_CALLER)
    caller = identity.caller if identity is not None else None
    found = _RUN_IN_PATH.match(scope["path"])  # a call over the limit is refused before its route is looked for
    return _Kind(
        organization_id=identity.organization_id if identity is not None else None,
        operation=_operation(scope),
        status=status,
        user=caller.id if caller is not None else None,
        user_type=caller.type if caller is not None else None,
        run_id=found[1] if found and is_id(found[1]) else None,
    )
