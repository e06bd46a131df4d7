"""One service as one process: an HTTP app with health and metrics, consumers, a publisher, a database, a clean stop."""

import asyncio
import contextlib
import gc
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any

import orjson
import structlog
import uvicorn
from fastapi import FastAPI, Request, Response
from pymongo import IndexModel
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from contracts.rejections import Code, Rejection
from shared import tracing
from shared.clock_watch import ClockWatch
from shared.correlation import Correlation, set_correlation
from shared.guard import Guard
from shared.http import failure, install_error_handlers
from shared.http_bounds import BoundedProtocol, RequestBounds
from shared.kafka import INFRASTRUCTURE, Consumers, NewerMessages, Publisher
from shared.logging import configure_logging
from shared.metrics_page import PATH as METRICS_PATH
from shared.metrics_page import MetricsPage
from shared.mongo import Mongo, StoreAway, StoreFault
from shared.mongo_connection import explain_refusal
from shared.service_token import ServiceToken
from shared.settings import ServiceSettings

Work = Callable[[], Awaitable[None]]
DEAF_AFTER_SECONDS = 60.0
KEPT_SECONDS = 75
"""How long an idle connection is kept: longer than those who keep theirs to us, such as load balancers (60 s); whoever
gives up first must not be us, or a request meets a closed door."""
log = structlog.get_logger()


class Service:
    """What a service's `build` puts together and `run` runs.

    `before` are awaited in order once database and publisher are there and before the consumers start; `loops` run in
    the background from then on; `after` are awaited at the stop, when nothing is read any more.
    """

    def __init__(self, name: str, settings: ServiceSettings, app: FastAPI | None = None) -> None:
        configure_logging(name, settings.log_level)
        tracing.configure(name)
        self.name = name
        self.settings = settings
        self.mongo = Mongo(settings, name)
        self._clock = ClockWatch(self.mongo.server_time)
        self.publisher = Publisher(settings, f"hera-{name}")
        self.consumers = Consumers(settings, f"hera-{name}")
        self.indexes: Mapping[str, Sequence[IndexModel]] = {}
        self.retired_indexes: Mapping[str, Sequence[str]] = {}
        """Those of earlier versions, which every write would pay for still: names, by collection."""
        self.before: list[Work] = []
        self.loops: list[Work] = []
        self.after: list[Work] = []
        self.token = ServiceToken(settings.service_token)
        self.is_public = app is not None
        self.app = app or _query_app(name, self.token)
        self.app.router.lifespan_context = self._lifespan
        self.alive_while: list[Callable[[], bool]] = []
        """What must hold, besides the consumers, for the process to be of use."""
        self.newer_messages: dict[str, NewerMessages] = {}
        """What readers besides the consumers have met, by topic."""
        self.on_failed_start: Callable[[], None] = lambda: None
        self.failed = False
        self._started = False
        self._tasks: list[asyncio.Task[None]] = []
        install_error_handlers(self.app)
        self.app.add_exception_handler(StoreAway, _database_away)
        self._metrics = MetricsPage(self.consumers, self.newer_messages)
        self._add_health(public=self.is_public)

    @contextlib.asynccontextmanager
    async def _lifespan(self, _: FastAPI) -> AsyncIterator[None]:
        if self.settings.metrics_port is not None:
            host, port = self.settings.http_host, self.settings.metrics_port
            await self._metrics.serve(host, port, self.settings.server_context)
        self._tasks = [asyncio.create_task(self._start())]
        try:
            yield
        finally:
            await self._stop()

    async def _start(self) -> None:
        try:
            await _until_reachable(self._clock.measure)
            await _until_reachable(lambda: self.mongo.create_indexes(self.indexes))
            await _until_reachable(lambda: self.mongo.drop_indexes(self.retired_indexes))
            await _until_reachable(self.publisher.start)
            for work in self.before:
                await _until_reachable(work)
            await self.consumers.start()
        except Exception as error:
            log.exception("start_failed", error=str(error)[:500])  # nothing that a caller sent is here yet
            self.failed = True
            self.on_failed_start()
            return
        self._tasks += [asyncio.create_task(_for_ever(work)) for work in (*self.loops, self._clock.keep_measuring)]
        self._started = True
        log.info("started", port=self.settings.http_port)

    async def _stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.consumers.stop()
        for work in self.after:
            await work()
        await self.publisher.stop()
        await self.mongo.close()
        await self._metrics.stop()
        tracing.stop()
        log.info("stopped")

    def _add_health(self, public: bool) -> None:
        """Adds health for everybody, and metrics where no public port would show them (decision 0093)."""
        self.app.add_api_route("/health/live", self._live, include_in_schema=False)
        self.app.add_api_route("/health/ready", self._ready, include_in_schema=False)
        if not public and self.settings.metrics_port is None:
            self.app.add_api_route(METRICS_PATH, self._show_metrics, include_in_schema=False)

    async def _live(self) -> Response:
        """Alive means that the broker is being polled: a consumer can be deaf in a process that looks well."""
        deaf = {
            c.topic.name: round(c.seconds_since_progress())
            for c in self.consumers.consumptions
            if c.seconds_since_progress() > DEAF_AFTER_SECONDS
        }
        stuck = await self._stuck_partitions()
        live = not deaf and not stuck and (not self._started or all(holds() for holds in self.alive_while))
        body = {"live": live, "seconds_without_progress": deaf, "partitions_without_progress": stuck}
        return _json(body, 200 if live else 503)

    async def _stuck_partitions(self) -> dict[str, list[int]]:
        """Returns the partitions that stand still, by topic, though the broker answers: a new start may help them."""
        stuck = {}
        for consumption in self.consumers.consumptions:
            still = [p for p, s in consumption.seconds_without_progress().items() if s > DEAF_AFTER_SECONDS]
            if still and await consumption.broker_answers():
                stuck[consumption.topic.name] = sorted(still)
        return stuck

    async def _ready(self) -> Response:
        checks = {
            "started": self._started,
            "consumers": {c.topic.name: c.ready() for c in self.consumers.consumptions},
            "database": await self._database_answers(),
            "waits_for_upgrade": self._waits_for_upgrade(),
        }
        ready = self._started and self.consumers.ready() and checks["database"] and not checks["waits_for_upgrade"]
        return _json({"ready": bool(ready), "service": self.name, **checks}, 200 if ready else 503)

    def _waits_for_upgrade(self) -> dict[str, dict[str, str]]:
        """Returns the partitions, by topic, that stand at a message newer than this service, and why."""
        readers = {c.topic.name: c.newer for c in self.consumers.consumptions} | self.newer_messages
        found = {topic: newer.reasons() for topic, newer in readers.items()}
        return {topic: {str(p): reason for p, reason in reasons.items()} for topic, reasons in found.items() if reasons}

    async def _database_answers(self) -> bool:
        try:
            await asyncio.wait_for(self.mongo.ping(), 2)
        except (StoreFault, TimeoutError):
            return False
        return True

    async def _show_metrics(self) -> Response:
        body, content_type = await self._metrics.content()
        return Response(body, media_type=content_type)


class _Correlated:
    """ASGI middleware of the internal query apps: takes over the gateway's request id."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            headers = dict(scope["headers"])
            trace = headers.get(b"traceparent")
            request_id = headers.get(b"x-request-id", b"none").decode("latin-1")
            set_correlation(Correlation(request_id, trace.decode("latin-1") if trace else None))
            await self._traced(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _traced(self, scope: Scope, receive: Receive, send: Send) -> None:
        span = tracing.begin_request(scope["method"], scope["path"])
        if span is None:
            await self._app(scope, receive, send)
            return
        status = 500

        async def answer(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        try:
            await self._app(scope, receive, answer)
        finally:
            tracing.end_request(span, scope["method"], getattr(scope.get("route"), "path", "unmatched"), status)


def _query_app(name: str, token: ServiceToken) -> FastAPI:
    app = FastAPI(title=f"HERA {name}", docs_url=None, redoc_url=None, openapi_url=None)
    app.add_middleware(Guard, token=token)
    app.add_middleware(_Correlated)
    return app


def run(service: Service) -> None:
    """Runs the service until SIGTERM or SIGINT; what is in hand is finished first. Then the process ends, with 0, or
    with 1 where the service could not start.
    """
    settings = service.settings
    bounds = RequestBounds(settings.http_max_head_bytes, settings.http_head_seconds, settings.http_body_seconds)
    # Callers of the public port are no services: what stands before it ends their TLS.
    own = None if service.is_public else settings.server_context
    _collect_rarely()
    # A service that can't start must not look alive.
    service.on_failed_start = lambda: os.kill(os.getpid(), signal.SIGTERM)
    # uvicorn raises the signal again when all is done; left to its default that would end a clean stop by a signal.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(int(service.failed)))
    uvicorn.run(
        service.app,
        host=settings.http_host,
        port=settings.http_port,
        http=partial(BoundedProtocol, bounds),  # type: ignore[arg-type]
        ws="none",  # an upgrade is never accepted
        ssl_context_factory=(lambda *_: own) if own is not None else None,
        log_config=None,
        access_log=False,
        timeout_keep_alive=KEPT_SECONDS,
        timeout_graceful_shutdown=int(settings.shutdown_seconds),
        server_header=False,
        proxy_headers=False,
    )


def _collect_rarely() -> None:
    """Python looks for cycles after every 700 new objects, many times a request. Beside 96 clients that took a sixth of
    the engine's CPU and a quarter of the gateway's; their memory is no larger without it."""
    gc.collect()
    gc.freeze()  # what is imported and built by now stays
    gc.set_threshold(50_000)


async def _database_away(_: Request, error: Exception) -> Response:
    log.warning("database_away", error=repr(error)[:300])
    message = "The database does not answer at the moment; ask again"
    return failure(Rejection(code=Code.UNAVAILABLE, message=message), {"Retry-After": "1"})


def _json(content: Mapping[str, Any], status: int) -> Response:
    return Response(orjson.dumps(content), status, media_type="application/json")


async def _until_reachable(work: Callable[[], Awaitable[Any]]) -> None:
    pause = 0.1
    while True:
        try:
            await work()
        except INFRASTRUCTURE as error:
            log.warning("waiting_for_infrastructure", error=repr(error), expected=explain_refusal(error))
        else:
            return
        await asyncio.sleep(pause)
        pause = min(2 * pause, 5.0)


async def _for_ever(work: Work) -> None:
    """Runs one round of a background loop after the other; a fault is logged and the loop goes on."""
    while True:
        try:
            await work()
        except Exception:
            log.exception("loop_failed", loop=getattr(work, "__qualname__", repr(work)))
            await asyncio.sleep(1)
