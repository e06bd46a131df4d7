"""No call begins for a run that is paused, or for an attempt that has ended."""

import dataclasses
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, cast

import orjson
import pytest

from contracts import topics
from contracts.jobs import AutomationJob, JobsOrder
from services.automation.attempts import Attempts, Claimed
from services.automation.calls import Caller, CallLimits
from services.automation.consumers import JobConsumer
from services.automation.domain.answers import Outcome
from services.automation.domain.credentials import Credential
from services.automation.sealing import Sealing
from services.automation.store import JobStore, StoredJob
from shared.clock import now
from shared.kafka import Batch, Parking, Publisher
from shared.messages import OutgoingMessage, command_message
from tests.infrastructure import TOKEN
from tests.integration.automation.conftest import Bench, http, job, job_message
from tests.integration.automation.instances import NothingRead, store_of, stored
from tests.integration.automation.test_workers import answer, taken_by_worker
from tests.integration.running import eventually, tap

MINUTE, HOUR, LATER = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
Order = Literal["hold", "release", "withdraw"]


def order(what: Order, wanted: AutomationJob, sequence: int) -> JobsOrder:
    return JobsOrder(run_id=wanted.run_id, order=what, job_ids=[wanted.job_id], sequence=sequence)


def order_message(what: Order, wanted: AutomationJob, sequence: int) -> OutgoingMessage:
    return command_message(
        topics.AUTOMATION_JOBS.name, wanted.run_id, order(what, wanted, sequence),
        message_id=f"{wanted.run_id}:{sequence}:{what}", organization_id=wanted.organization_id,
        correlation_id="req_1", time=now(),
    )  # fmt: skip


async def added(store: JobStore, at: datetime, **more: Any) -> StoredJob:
    one = dataclasses.replace(stored(), **more)
    await store.add([one], at)
    return one


async def test_nobody_claims_a_held_job_until_it_is_released(bench: Bench) -> None:
    store, at = store_of(bench, "orders_held"), now()
    one = await added(store, at)
    assert await store.obey(order("hold", one.job, 5), at) == 1
    assert await store.claim(at + LATER, ()) is None
    assert await store.obey(order("release", one.job, 7), at + LATER) == 1
    assert await store.claim(at + LATER, ()) == one


async def test_a_withdrawn_job_is_over_though_it_comes_again(bench: Bench) -> None:
    store, at = store_of(bench, "orders_withdrawn"), now()
    one = await added(store, at)
    await store.obey(order("withdraw", one.job, 5), at)
    await store.add([one], at)
    await store.obey(order("release", one.job, 7), at)
    assert await store.claim(at + LATER, ()) is None


async def test_orders_that_come_again_or_out_of_their_turn_change_nothing(bench: Bench) -> None:
    store, at = store_of(bench, "orders_again"), now()
    one = await added(store, at)
    hold, release = order("hold", one.job, 5), order("release", one.job, 7)
    for heard in (hold, release, hold, release, hold):
        await store.obey(heard, at)
    assert await store.claim(at, ()) == one


async def test_a_release_that_overtakes_its_hold_stays(bench: Bench) -> None:
    store, at = store_of(bench, "orders_overtaken"), now()
    one = await added(store, at)
    hold, release = order("hold", one.job, 5), order("release", one.job, 7)
    assert [await store.obey(heard, at) for heard in (release, hold)] == [1, 0]
    assert await store.claim(at, ()) == one


async def test_a_call_that_has_begun_is_nobody_elses_and_may_be_given_back_within_the_pause(bench: Bench) -> None:
    store, at = store_of(bench, "orders_begun"), now()
    one = await added(store, at)
    assert await store.claim(at, ()) == one
    await store.obey(order("hold", one.job, 5), at)
    await store.release(one.job.job_id, at)
    assert await store.claim(at + HOUR, ()) is None
    await store.obey(order("release", one.job, 7), at + HOUR)
    assert await store.claim(at + HOUR, ()) == one


async def test_a_call_whose_end_is_told_within_the_pause_is_over(bench: Bench) -> None:
    store, at = store_of(bench, "orders_ended"), now()
    one = await added(store, at)
    await store.claim(at, ())
    await store.obey(order("hold", one.job, 5), at)
    await store.finish([one.job.job_id], at)
    assert await store.obey(order("release", one.job, 7), at) == 0
    assert await store.claim(at + LATER, ()) is None


async def test_a_pause_takes_nothing_of_the_patience_with_a_host(bench: Bench) -> None:
    store, at = store_of(bench, "orders_patience"), now()
    one = await added(store, at, lane="org host")
    await store.obey(order("hold", one.job, 5), at + MINUTE)
    resumed = at + HOUR
    assert await store.claim_stuck(resumed, ["org host"], resumed) is None
    await store.obey(order("release", one.job, 7), resumed)
    assert await store.claim_stuck(resumed, ["org host"], since=at + 58 * MINUTE) is None
    assert await store.claim_stuck(resumed, ["org host"], since=at + 59 * MINUTE) == one


async def with_workers(store: JobStore, at: datetime, answer_by: datetime) -> StoredJob:
    one = await added(store, at, channel="worker")
    await store.claim(at, ())
    await store.handed_over(one.job.job_id, at, answer_by)
    return one


async def silent(store: JobStore, at: datetime) -> list[str]:
    return list(await store.silent(at, 10))


async def test_the_time_of_workers_stands_still_in_a_pause(bench: Bench) -> None:
    store, at = store_of(bench, "orders_workers"), now()
    one = await with_workers(store, at, answer_by=at + 5 * MINUTE)
    await store.obey(order("hold", one.job, 5), at + MINUTE)
    assert await silent(store, at + LATER) == []
    await store.obey(order("release", one.job, 7), at + HOUR)
    assert await silent(store, at + HOUR + 4 * MINUTE - timedelta(seconds=1)) == []
    assert await silent(store, at + HOUR + 4 * MINUTE) == [one.job.job_id]


async def test_workers_that_fall_silent_in_a_pause_lose_their_job(bench: Bench) -> None:
    store, at = store_of(bench, "orders_silent"), now()
    one = await with_workers(store, at, answer_by=at + 5 * MINUTE)
    await store.obey(order("hold", one.job, 5), at)
    await store.heard_of([one.job.job_id], at + 10 * MINUTE)
    assert await silent(store, at + 11 * MINUTE) == [one.job.job_id]


async def test_a_hand_over_in_the_moment_of_the_pause_begins_no_clock(bench: Bench) -> None:
    store, at = store_of(bench, "orders_race"), now()
    one = await added(store, at, channel="worker")
    await store.claim(at, ())
    await store.obey(order("hold", one.job, 5), at)
    await store.handed_over(one.job.job_id, at, at + 5 * MINUTE)
    assert await silent(store, at + LATER) == []
    await store.obey(order("release", one.job, 7), at + LATER)
    assert await silent(store, at + LATER + 5 * MINUTE) == [one.job.job_id]
    assert await store.claim(at + LATER + HOUR, ()) is None


@dataclass
class Read:
    """A record as the consumer gets it."""

    value: bytes | None
    key: bytes | None
    offset: int
    topic: str = topics.AUTOMATION_JOBS.name
    partition: int = 0
    timestamp: int = 0


def batch(*messages: OutgoingMessage) -> Batch:
    return tuple(Read(message.value, message.key.encode(), n) for n, message in enumerate(messages))


def consumer(bench: Bench, store: JobStore) -> JobConsumer:
    parking = Parking(bench.publisher, topics.AUTOMATION_JOBS, "automation")
    return JobConsumer(store, parking, CallLimits({}, {}, {}, 2048), 60, lambda: None)


async def test_a_job_that_is_read_together_with_its_orders_can_be_claimed_at_no_moment(bench: Bench) -> None:
    store, held, withdrawn, going = store_of(bench, "orders_batch"), job(None), job(None), job(None)
    records = batch(
        job_message(held), order_message("hold", held, 5),
        job_message(withdrawn), order_message("hold", withdrawn, 5), order_message("withdraw", withdrawn, 6),
        job_message(going), order_message("hold", going, 5), order_message("release", going, 6),
    )  # fmt: skip
    for _ in range(2):  # at least once
        await consumer(bench, store).handle(records)
    assert await store.claim(now(), followed=[1, 2]) is None
    claimed = await store.claim(now(), followed=[0, 1])
    assert claimed is not None and claimed.job.job_id == going.job_id
    assert await store.claim(now(), followed=[0, 1]) is None


class Dying(JobStore):
    async def obey(self, order: JobsOrder, now: datetime) -> int:
        raise ConnectionError


async def test_a_job_read_with_its_orders_is_stored_as_held(bench: Bench) -> None:
    """The instance dies in between: nobody has claimed it when the batch comes again."""
    store, wanted = store_of(bench, "orders_between"), job(None)
    records = batch(job_message(wanted), order_message("withdraw", wanted, 6))
    dying = Dying(bench.service.mongo.collection("orders_between"), MINUTE, LATER)
    with pytest.raises(ConnectionError):
        await consumer(bench, dying).handle(records)
    assert await store.claim(now() + LATER, followed=[0]) is None
    await consumer(bench, store).handle(records)
    assert await store.claim(now() + LATER, followed=[0]) is None


async def test_a_job_that_waited_is_called_once_its_run_goes_on_and_never_once_it_has_ended(bench: Bench) -> None:
    """They wait because calls that nobody answers take all the places of their host."""
    bench.endpoint.answers["/hera/waited"] = lambda: http(200, b'{"called": true}')
    places = bench.settings.automation_concurrency_per_host
    silent_calls = [job("/nobody-answers", timeout_seconds=4) for _ in range(places)]
    await bench.publish(*map(job_message, silent_calls))
    for one in silent_calls:
        await asked(bench, one)
    paused, cancelled, marker = (job("/waited") for _ in range(3))
    await bench.publish(
        job_message(paused), order_message("hold", paused, 5), job_message(cancelled),
        order_message("withdraw", cancelled, 5), job_message(marker),
    )  # fmt: skip
    await bench.result_of(marker)
    assert bench.endpoint.asked_for(paused.run_id) == bench.endpoint.asked_for(cancelled.run_id) == []
    assert (await bench.jobs.find_one({"_id": paused.job_id}))["state"] == "held"
    assert (await bench.jobs.find_one({"_id": cancelled.job_id}))["state"] == "done"

    await bench.publish(order_message("release", paused, 7))
    assert (await bench.result_of(paused))["data"]["data"] == {"called": True}
    assert bench.endpoint.asked_for(cancelled.run_id) == []


async def asked(bench: Bench, one: AutomationJob) -> None:
    async def called() -> bool:
        return bool(bench.endpoint.asked_for(one.run_id))

    await eventually(called)


async def test_a_job_is_left_alone_while_its_partition_is_not_followed(bench: Bench) -> None:
    store, at = store_of(bench, "orders_followed"), now()
    one = await added(store, at, partition=3, lane="org host")
    assert await store.claim(at, followed=[1, 2]) is None
    assert await store.claim_stuck(at, ["org host"], at, followed=[1, 2]) is None
    assert await store.claim(at, followed=[2, 3]) == one


@dataclass
class Read3(NothingRead):
    """Partition 3 is followed, and what `then` does stood in it unread when the job was claimed."""

    then: Callable[[], Awaitable[object]]
    is_read: bool = True

    async def followed(self) -> list[int]:
        return [3]

    async def has_read(self, partition: int, within_seconds: float) -> bool:
        await self.then()
        return self.is_read


async def test_an_order_that_stood_unread_when_the_job_was_claimed_is_obeyed_before_the_call(bench: Bench) -> None:
    """Where the service lags, a claim goes by what was read; the pause may have been answered seconds ago."""
    bench.endpoint.answers["/hera/lagging"] = lambda: http(200, b'{"called": true}')
    store = store_of(bench, "orders_lag")
    caller = Caller(CallLimits(bench.settings.automation_base_urls, {}, {}, 2048), 1)
    await caller.start()
    one = dataclasses.replace(stored(), job=job("/lagging"), partition=3)
    await store.add([one], now())

    async def tried(sequence: int, what: Order | None, *, is_read: bool = True) -> bool:
        """Whether it was called."""

        async def then() -> None:
            if what is not None:
                await store.obey(order(what, one.job, sequence), now())

        reading = Read3(then, is_read)
        attempts = Attempts(bench.settings, store, bench.publisher, caller, Sealing(None, TOKEN), reading)
        claimed = await attempts.claim()
        assert claimed is not None
        await attempts.attempt(claimed)
        return bool(bench.endpoint.asked_for(one.job.run_id))

    assert not await tried(5, "hold")
    assert await store.claim(now() + LATER, followed=[3]) is None
    await store.obey(order("release", one.job, 7), now())
    assert not await tried(8, None, is_read=False)
    assert await tried(9, None)
    await caller.stop()


async def test_the_answer_to_a_job_that_was_withdrawn_from_workers_is_still_told(bench: Bench) -> None:
    wanted = job(None)
    await taken_by_worker(bench, wanted)
    await bench.publish(order_message("withdraw", wanted, 5))

    async def lost() -> Any:
        return await bench.jobs.find_one({"_id": wanted.job_id, "state": "lost", "lease_until": {"$exists": False}})

    await eventually(lost)
    await answer(bench, wanted)
    assert (await bench.result_of(wanted))["data"]["outcome"] == "success"


class Away:
    """A broker that takes nothing until it is back."""

    def __init__(self, bench: Bench) -> None:
        self.back = False
        self.asked = 0
        self._bench = bench

    async def publish(self, messages: Sequence[OutgoingMessage]) -> None:
        self.asked += 1
        if not self.back:
            raise ConnectionError
        await self._bench.publish(*messages)


async def test_a_job_that_cannot_be_handed_over_now_is_looked_at_again_before_it_is(bench: Bench) -> None:
    """While the broker is away its run may be paused; nothing goes out once it is back."""
    store, away = store_of(bench, "orders_away"), Away(bench)
    caller, broker = Caller(CallLimits({}, {}, {}, 2048), 1), cast("Publisher", away)
    attempts = Attempts(bench.settings, store, broker, caller, Sealing(None, TOKEN), NothingRead())
    one = await added(store, now(), job=job(None), channel="worker")
    claimed = await attempts.claim()
    assert claimed is not None
    await attempts.attempt(claimed)
    assert away.asked == 1
    await store.obey(order("hold", one.job, 5), now())
    away.back = True
    assert await store.claim(now() + HOUR, ()) is None
    await store.obey(order("release", one.job, 6), now())
    assert await store.claim(now() + HOUR, ()) == one


async def test_a_call_whose_values_nobody_opens_now_is_put_off_and_its_run_looked_at_again(bench: Bench) -> None:
    store = store_of(bench, "orders_sealed")
    closed = {"$encrypted": "aes-256-gcm", "key_id": "k", "nonce": "bm9uY2U=", "ciphertext": "dGV4dA=="}
    secret = job("/sealed", data={"ssn": closed}, encrypted_fields=["ssn"], config={"sensitive_fields": ["ssn"]})
    limits = CallLimits(bench.settings.automation_base_urls, {}, {}, 2048)
    nobody = Sealing("http://127.0.0.1:1", TOKEN)
    attempts = Attempts(bench.settings, store, bench.publisher, Caller(limits, 1), nobody, NothingRead())
    one = await added(store, now(), job=secret)
    claimed = await attempts.claim()
    assert claimed is not None
    await attempts.attempt(claimed)
    await nobody.close()
    await store.obey(order("hold", one.job, 5), now())
    assert await store.claim(now() + HOUR, ()) is None
    await store.obey(order("release", one.job, 6), now())
    assert await store.claim(now() + HOUR, ()) == one
    assert bench.endpoint.asked_for(secret.run_id) == []


async def test_a_message_of_a_newer_engine_is_parked_and_stops_nothing(bench: Bench) -> None:
    """As an instance of before the orders does with them."""
    wanted = job(None)
    newer = orjson.loads(order_message("hold", wanted, 5).value) | {"type": "RearrangeJobs"}
    message = OutgoingMessage(topics.AUTOMATION_JOBS.name, wanted.run_id, orjson.dumps(newer), "RearrangeJobs")
    async with tap(bench.settings.kafka_bootstrap_servers, topics.AUTOMATION_JOBS.parked) as parked:
        await bench.publish(message, job_message(wanted))
        await parked.find(lambda d: "unknown message type 'RearrangeJobs'" in d["reason"])
    await bench.worker_jobs.find(lambda d: d["job_id"] == wanted.job_id)


class WithdrawnMeanwhile(Caller):
    """A job's attempt ends while it is called."""

    def __init__(self, limits: CallLimits, store: JobStore) -> None:
        super().__init__(limits, 4)
        self._store = store

    async def call(self, stored: StoredJob, credential: Credential | None = None) -> Outcome:
        await self._store.obey(order("withdraw", stored.job, 8), now())
        return await super().call(stored, credential)


async def test_a_held_job_is_no_trial_of_its_host_and_a_withdrawn_one_tells_of_it_all_the_same(bench: Bench) -> None:
    """Half open, the circuit is tried with the next job that may be called; its outcome counts though it is late."""
    limits = CallLimits(bench.settings.automation_base_urls, {}, {}, 2048)
    store = store_of(bench, "orders_trial")
    caller = WithdrawnMeanwhile(limits, store)
    settings = bench.settings.model_copy(
        update={"automation_circuit_failures": 1, "automation_circuit_seconds": 0.2, "automation_concurrency": 4}
    )
    await caller.start()
    attempts = Attempts(settings, store, bench.publisher, caller, Sealing(None, TOKEN), NothingRead())
    bench.endpoint.answers["/hera/trial"] = lambda: http(500)
    first, held, tried, after = [
        await added(store, now() + n * timedelta(milliseconds=1), job=(one := job("/trial")), lane=limits.lane(one))
        for n in range(4)
    ]
    for other in (held, tried, after):
        await store.obey(order("hold", other.job, 5), now())
    broken = await claimed_by(attempts)
    assert broken.stored == first
    await attempts.attempt(broken)

    bench.endpoint.answers["/hera/trial"] = lambda: http(200, b"{}")
    for other in (tried, after):
        await store.obey(order("release", other.job, 7), now())
    trial = await claimed_by(attempts)
    assert (trial.stored, trial.trial) == (tried, True)
    await attempts.attempt(trial)
    closed = await claimed_by(attempts)
    assert (closed.stored, closed.trial) == (after, False)
    await caller.stop()


async def claimed_by(attempts: Attempts) -> Claimed:
    found = await eventually(attempts.claim)
    assert isinstance(found, Claimed)
    return found


async def test_many_orders_in_one_batch_are_obeyed_those_of_one_run_in_turn(bench: Bench) -> None:
    store, jobs = store_of(bench, "orders_many"), [job(None) for _ in range(300)]
    await consumer(bench, store).handle(batch(*map(job_message, jobs)))
    held = [order_message("hold", one, 5) for one in jobs]
    released = [order_message("release", one, 7) for one in jobs[:1]]
    await consumer(bench, store).handle(batch(*held, *released))
    claimed = await store.claim(now(), followed=[0])
    assert claimed is not None and claimed.job == jobs[0]
    assert await store.claim(now(), followed=[0]) is None
