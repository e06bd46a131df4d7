"""The page that Prometheus reads: on the service's own port, or on one that callers do not reach."""

import asyncio
import contextlib
import ssl
from collections.abc import Mapping

import structlog
from aiohttp import web

from shared.kafka import INFRASTRUCTURE, Consumers, NewerMessages
from shared.metrics import (
    CONSUMER_LAG,
    OPEN_TRANSACTION_SECONDS,
    SECONDS_WITHOUT_PROGRESS,
    WAITS_FOR_UPGRADE_SECONDS,
    exposition,
)

PATH = "/metrics"
_LAG_SECONDS = 2.0
log = structlog.get_logger()


class MetricsPage:
    def __init__(self, consumers: Consumers, newer_messages: Mapping[str, NewerMessages]) -> None:
        """`newer_messages`: what readers besides the consumers have met, by topic."""
        self._consumers = consumers
        self._newer_messages = newer_messages
        self._runner: web.AppRunner | None = None

    async def content(self) -> tuple[bytes, str]:
        """Returns the page and its content type. Lag that the broker does not tell in time stays as it was."""
        with contextlib.suppress(TimeoutError, *INFRASTRUCTURE):
            async with asyncio.timeout(_LAG_SECONDS):
                await self._look_at_lag()
        return exposition()

    async def _look_at_lag(self) -> None:
        for gauge in (CONSUMER_LAG, SECONDS_WITHOUT_PROGRESS, OPEN_TRANSACTION_SECONDS, WAITS_FOR_UPGRADE_SECONDS):
            gauge.clear()  # of partitions that went to another instance; they would raise alerts for ever
        for consumption in self._consumers.consumptions:
            for partition, lag in (await consumption.lag()).items():
                CONSUMER_LAG.labels(consumption.topic.name, consumption.group, partition).set(lag)
            for partition, seconds in consumption.seconds_without_progress().items():
                SECONDS_WITHOUT_PROGRESS.labels(consumption.topic.name, consumption.group, partition).set(seconds)
            for partition, seconds in consumption.open_transaction_seconds().items():
                OPEN_TRANSACTION_SECONDS.labels(consumption.topic.name, consumption.group, partition).set(seconds)
            _show_waits(consumption.topic.name, consumption.group, consumption.newer)
        for topic, newer in self._newer_messages.items():
            _show_waits(topic, "", newer)

    async def serve(self, host: str, port: int, tls: ssl.SSLContext | None = None) -> None:
        """Serves it, and nothing else, on a port of its own. Raises OSError where that is taken."""
        app = web.Application()
        app.router.add_get(PATH, self._answer)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, host, port, ssl_context=tls).start()
        log.info("metrics_served", port=self._runner.addresses[0][1])

    async def _answer(self, _: web.Request) -> web.Response:
        body, content_type = await self.content()
        return web.Response(body=body, headers={"Content-Type": content_type})

    async def stop(self) -> None:
        if self._runner:
            await self._runner.cleanup()


def _show_waits(topic: str, group: str, newer: NewerMessages) -> None:
    for partition, seconds in newer.seconds(asyncio.get_running_loop().time()).items():
        WAITS_FOR_UPGRADE_SECONDS.labels(topic, group, partition).set(seconds)
