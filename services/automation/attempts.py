"""Attempts: a claimed job is called or handed to the workers, its result is published, and only then it is done."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Protocol

import structlog
from prometheus_client import Counter as CountMetric
from prometheus_client import Histogram

from contracts.jobs import AutomationJob
from services.automation.breakers import Breakers
from services.automation.calls import Caller
from services.automation.domain.answers import Outcome, circuit_open, failure
from services.automation.domain.leases import answer_by
from services.automation.results import outcome_message, worker_message
from services.automation.sealing import EngineAway, Sealing, SealingFault, of_endpoint
from services.automation.settings import AutomationSettings
from services.automation.store import JobStore, StoredJob
from shared.clock import now
from shared.correlation import Correlation, set_correlation
from shared.kafka import INFRASTRUCTURE, Publisher
from shared.messages import OutgoingMessage

ATTEMPTS = CountMetric("hera_automation_attempts", "Attempts at automated steps", ["channel", "outcome"])
for _labels in (
    ("http", "success"),
    ("http", "failure"),
    ("worker", "handed_over"),
    ("worker", "success"),
    ("worker", "failure"),
    ("worker", "spoilt"),
    ("worker", "lease_lost"),
):
    ATTEMPTS.labels(*_labels)  # a series that begins with its first one shows no increase
CALL_SECONDS = Histogram(
    "hera_automation_call_seconds", "Time that an endpoint took to answer",
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300),
)  # fmt: skip
_LONGEST_PAUSE = 5.0
_AGAIN_AFTER = timedelta(seconds=1)
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Claimed:
    """A job in hand."""

    stored: StoredJob
    trial: bool = False
    """Its call is the one by which a half-open circuit is tried."""
    given_up: Outcome | None = None
    """The outcome of a job that waited too long for its host; no call is made."""


class JobsRead(Protocol):
    """How far this instance has read the topic of the jobs, on which the orders to them are too."""

    async def followed(self) -> list[int]:
        """The partitions of which it has read all but what is a few seconds old."""

    async def has_read(self, partition: int, within_seconds: float) -> bool:
        """Waits until it has read what was written before the call; False where it does not within the time."""


class Attempts:
    """What one instance has in hand: so many in all, so many of one organisation, so many for one of its hosts."""

    def __init__(
        self,
        settings: AutomationSettings,
        store: JobStore,
        publisher: Publisher,
        caller: Caller,
        sealing: Sealing,
        jobs_read: JobsRead,
    ) -> None:
        self._settings = settings
        self._store = store
        self._publisher = publisher
        self._caller = caller
        self._sealing = sealing
        self._jobs_read = jobs_read
        self._breakers = Breakers(
            settings.automation_circuit_failures, timedelta(seconds=settings.automation_circuit_seconds)
        )
        self._patience = timedelta(seconds=settings.automation_circuit_patience_seconds)
        self._of_organization: Counter[str] = Counter()
        self._of_lane: Counter[str] = Counter()

    async def claim(self) -> Claimed | None:
        followed = await self._jobs_read.followed()
        claimed = await self._due(followed) or await self._stuck(followed)
        if claimed:
            self._of_organization[claimed.stored.job.organization_id] += 1
            self._of_lane[claimed.stored.lane] += 1
        return claimed

    async def _due(self, followed: list[int]) -> Claimed | None:
        """A job whose host may be called. One coroutine claims, so that a half-open circuit gets one trial."""
        at = now()
        busy = _full(self._of_organization, self._settings.automation_concurrency_per_organization)
        hosts = _full(self._of_lane, self._settings.automation_concurrency_per_host)
        stored = await self._store.claim(at, busy, hosts + self._breakers.shut(at), followed)
        return Claimed(stored, trial=self._breakers.begin(stored.lane, now())) if stored else None

    async def _stuck(self, followed: list[int]) -> Claimed | None:
        at = now()
        shut = self._breakers.shut(at)
        stored = await self._store.claim_stuck(at, shut, at - self._patience, followed) if shut else None
        if stored is None:
            return None
        until = self._breakers.open_until(stored.lane) or at
        return Claimed(stored, given_up=circuit_open(until, stored.stored_at or at, at))

    async def attempt(self, claimed: Claimed) -> None:
        stored = claimed.stored
        set_correlation(Correlation(stored.correlation_id, stored.traceparent))
        try:
            if await self._is_wanted(claimed):
                await self._call(claimed) if stored.channel == "http" else await self._hand_over(stored)
        finally:
            _leave(self._of_organization, stored.job.organization_id)
            _leave(self._of_lane, stored.lane)

    async def _is_wanted(self, claimed: Claimed) -> bool:
        """Nothing that was written before now says otherwise. Where that is so, or not known, it is given back."""
        stored, wanted = claimed.stored, False
        try:
            wanted = await self._is_read_on(stored) and await self._store.is_open(stored.job.job_id)
        finally:
            if not wanted:
                log.info("attempt_given_back", job_id=stored.job.job_id, run_id=stored.job.run_id)
                self._breakers.abandon(stored.lane, trial=claimed.trial)
                await self._store.release(stored.job.job_id, now())
        return wanted

    async def _is_read_on(self, stored: StoredJob) -> bool:
        return stored.partition is None or await self._jobs_read.has_read(stored.partition, _LONGEST_PAUSE)

    async def _call(self, claimed: Claimed) -> None:
        stored = claimed.stored
        outcome = claimed.given_up or await self._outcome(stored, trial=claimed.trial)
        if outcome is None:
            return
        ATTEMPTS.labels("http", "circuit_open" if claimed.given_up else outcome.outcome).inc()
        log.info(
            "attempt_made", job_id=stored.job.job_id, run_id=stored.job.run_id,
            organization_id=stored.job.organization_id, outcome=outcome.outcome, error=outcome.error,
        )  # fmt: skip
        await self._publish([outcome_message(stored, outcome)])
        await self._store.finish([stored.job.job_id], now())

    async def _outcome(self, stored: StoredJob, *, trial: bool) -> Outcome | None:
        """None where no call was made: it is claimed again, if its run still wants it then."""
        try:
            sent = replace(stored, job=await self._sealing.for_endpoint(stored.job))
            credential = await self._sealing.credential(stored.job)
            with CALL_SECONDS.time():
                outcome = await self._caller.call(sent, credential)
            self._breakers.told(stored.lane, now(), failed=outcome.host_failed, trial=trial)
            trial = False  # it is over, however long the engine takes to seal what came of it
            return await self._sealed(stored.job, outcome)
        except EngineAway as away:
            self._breakers.abandon(stored.lane, trial=trial)
            await self._put_off(stored, away)
            return None
        except SealingFault as fault:
            self._breakers.abandon(stored.lane, trial=trial)
            return failure(str(fault), retryable=False)
        except asyncio.CancelledError:
            self._breakers.abandon(stored.lane, trial=trial)
            await self._store.release(stored.job.job_id, now())
            raise
        except Exception as error:  # a surprise fails this attempt, so that its run hears of it
            log.error("attempt_failed", job_id=stored.job.job_id, exc_info=error)
            self._breakers.abandon(stored.lane, trial=trial)
            return failure(f"unexpected {type(error).__name__} in the automation service", retryable=False)

    async def _sealed(self, job: AutomationJob, outcome: Outcome) -> Outcome:
        data = await self._sealing.sealed(job.run_id, job.organization_id, outcome.data, job.encrypted_fields)
        return replace(outcome, data=data, error=of_endpoint(outcome.error, job.encrypted_fields))

    async def _put_off(self, stored: StoredJob, why: Exception) -> None:
        log.warning("attempt_put_off", job_id=stored.job.job_id, error=repr(why))
        await self._store.release(stored.job.job_id, now() + _AGAIN_AFTER)

    async def _hand_over(self, stored: StoredJob) -> None:
        try:
            await self._publisher.publish([worker_message(stored)])
        except INFRASTRUCTURE as error:
            await self._put_off(stored, error)
        else:
            ATTEMPTS.labels("worker", "handed_over").inc()
            await self._store.handed_over(stored.job.job_id, now(), answer_by(stored.job, now()))

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


def _full(in_hand: Counter[str], bound: int) -> list[str]:
    return [name for name, count in in_hand.items() if count >= bound]


def _leave(in_hand: Counter[str], name: str) -> None:
    in_hand[name] -= 1
    if not in_hand[name]:
        del in_hand[name]
