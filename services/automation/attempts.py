"""Attempts: a claimed job is called or handed to the workers, its result is published, and only then it is done."""

import asyncio
from collections import Counter
from collections.abc import Sequence

import structlog
from prometheus_client import Counter as CountMetric
from prometheus_client import Histogram

from services.automation.calls import Caller
from services.automation.domain.answers import Outcome, failure
from services.automation.results import outcome_message, worker_message
from services.automation.settings import AutomationSettings
from services.automation.store import JobStore, StoredJob
from shared.clock import now
from shared.correlation import Correlation, set_correlation
from shared.kafka import INFRASTRUCTURE, Publisher
from shared.messages import OutgoingMessage

ATTEMPTS = CountMetric("hera_automation_attempts", "Attempts at automated steps", ["channel", "outcome"])
CALL_SECONDS = Histogram(
    "hera_automation_call_seconds", "Time that an endpoint took to answer",
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300),
)  # fmt: skip
_LONGEST_PAUSE = 5.0
log = structlog.get_logger()


class Attempts:
    """What one instance has in hand, so many in all and so many of one organisation."""

    def __init__(self, settings: AutomationSettings, store: JobStore, publisher: Publisher, caller: Caller) -> None:
        self._settings = settings
        self._store = store
        self._publisher = publisher
        self._caller = caller
        self._in_hand: Counter[str] = Counter()

    async def claim(self) -> StoredJob | None:
        bound = self._settings.automation_concurrency_per_organization
        stored = await self._store.claim(now(), [name for name, count in self._in_hand.items() if count >= bound])
        if stored:
            self._in_hand[stored.job.organization_id] += 1
        return stored

    async def attempt(self, stored: StoredJob) -> None:
        set_correlation(Correlation(stored.correlation_id, stored.traceparent))
        try:
            await self._call(stored) if stored.channel == "http" else await self._hand_over(stored)
        finally:
            self._leave(stored.job.organization_id)

    def _leave(self, organization_id: str) -> None:
        self._in_hand[organization_id] -= 1
        if not self._in_hand[organization_id]:
            del self._in_hand[organization_id]

    async def _call(self, stored: StoredJob) -> None:
        outcome = await self._outcome(stored)
        ATTEMPTS.labels("http", outcome.outcome).inc()
        log.info(
            "attempt_made", job_id=stored.job.job_id, run_id=stored.job.run_id,
            organization_id=stored.job.organization_id, outcome=outcome.outcome, error=outcome.error,
        )  # fmt: skip
        await self._publish([outcome_message(stored, outcome)])
        await self._store.finish([stored.job.job_id], now())

    async def _outcome(self, stored: StoredJob) -> Outcome:
        try:
            with CALL_SECONDS.time():
                return await self._caller.call(stored)
        except asyncio.CancelledError:
            await self._store.release(stored.job.job_id, now())
            raise
        except Exception as error:  # a surprise fails this attempt, so that its run hears of it
            log.exception("attempt_failed", job_id=stored.job.job_id)
            return failure(f"unexpected {type(error).__name__} in the automation service", retryable=False)

    async def _hand_over(self, stored: StoredJob) -> None:
        await self._publish([worker_message(stored.job)])
        ATTEMPTS.labels("worker", "handed_over").inc()
        await self._store.handed_over(stored.job.job_id, now())

    async def _publish(self, messages: Sequence[OutgoingMessage]) -> None:
        """Tries for as long as the broker is away: a result that is known should not be worked for again."""
        pause = 0.05
        while True:
            try:
                return await self._publisher.publish(messages)
            except INFRASTRUCTURE as error:
                log.warning("publishing_waits", error=repr(error), retry_in=pause)
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)
