"""Bulk operations on the real database and broker: a worker that dies leaves nothing undone and doubles nothing."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import nullcontext

import pytest
import pytest_asyncio

from contracts import topics
from contracts.bulk import RunSelection, SignalRuns
from contracts.signals import Signal
from services.run_engine.bulk import store as bulk_store
from services.run_engine.bulk import worker
from services.run_engine.bulk.ingress import BulkIngress
from services.run_engine.bulk.store import LEASE, BulkStore, Operation
from services.run_engine.run_list import INDEXES
from services.run_engine.sealing.fields import EncryptedFields
from services.run_engine.sealing.signals import BulkSealing, SealedSignals
from shared import clock
from shared.ids import new_id
from shared.kafka import Parking, Publisher
from shared.messages import OutgoingMessage, command_message
from tests.infrastructure import Infrastructure
from tests.integration.run_engine.engine import ORGANIZATION, SOMEBODY, Commands, Delivered, Engine

RUNS, MANY = 7, 40


class Direct(Publisher):
    """Hands what is published to the engine, as Kafka would; dies when told to."""

    engine: Engine
    lives = 10**9
    sent: list[str]

    async def publish(self, messages: Sequence[OutgoingMessage]) -> None:
        for message in messages:
            if message.topic != topics.RUN_COMMANDS.name:
                continue
            if self.lives == 0:
                raise asyncio.CancelledError
            self.lives -= 1
            self.sent.append(message.key)
            await self.engine.take(Delivered(message.value, message.key.encode(), 1000 + len(self.sent)))


@pytest_asyncio.fixture(loop_scope="session")
async def engine(infrastructure: Infrastructure, database_prefix: str) -> AsyncIterator[Engine]:
    made = Engine(infrastructure, database_prefix)
    await made.publisher.start()
    await made.mongo.create_indexes({**bulk_store.INDEXES, "runs": INDEXES})
    yield made
    await made.publisher.stop()


def sealing_of(engine: Engine) -> BulkSealing:
    signals = SealedSignals(engine.sealer, EncryptedFields(engine.mongo, engine.store))
    return BulkSealing(signals, engine.sealer, engine.keys)


async def taken_up(engine: Engine, publisher: Publisher, selection: RunSelection) -> Operation:
    operation_id = new_id("bulk")
    command = SignalRuns(
        caller=SOMEBODY, operation_id=operation_id, selection=selection, signal=Signal(type="pause", reason="x")
    )
    message = command_message(
        topics.BULK_COMMANDS.name, operation_id, command, message_id=new_id("cmd"), organization_id=ORGANIZATION,
        correlation_id="req_1", time=clock.now(),
    )  # fmt: skip
    parking = Parking(publisher, topics.BULK_COMMANDS, "run_engine")
    store = BulkStore(engine.mongo)
    ingress = BulkIngress(store, publisher, parking, lambda: None, sealing_of(engine))
    record = Delivered(message.value, operation_id.encode(), 1, topic=topics.BULK_COMMANDS.name)
    for _ in range(2):  # delivered twice
        await ingress.handle((record,))
    claimed = await store.claim()
    assert claimed is not None and await store.claim() is None
    return claimed


@pytest.mark.parametrize("lives", range(RUNS + 1))
async def test_a_worker_that_dies_is_followed_by_one_that_ends_it(
    engine: Engine, lives: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "WINDOW", 3)
    runs = [Commands(first_offset=n * 10) for n in range(RUNS)]
    await engine.take(*(run.start() for run in runs))
    publisher = Direct(engine.settings, "direct")
    publisher.engine, publisher.sent, publisher.lives = engine, [], lives
    store = BulkStore(engine.mongo)
    signals = SealedSignals(engine.sealer, EncryptedFields(engine.mongo, engine.store))
    sealing = BulkSealing(signals, engine.sealer, engine.keys)
    operation = await taken_up(engine, publisher, RunSelection(created_to=clock.now()))
    with pytest.raises(asyncio.CancelledError) if lives < RUNS else nullcontext():
        await worker.BulkWorker(store, publisher, sealing).carry_out(operation)
    publisher.lives = 10**9
    operations = engine.mongo.collection("bulk_operations")
    await operations.update_many({}, {"$set": {"leased_until": clock.now() - LEASE}})
    again = await store.claim()
    assert (again is None) == (lives >= RUNS)
    if again is not None:
        await worker.BulkWorker(store, publisher, sealing).carry_out(again)
    read = await store.read(ORGANIZATION, operation.operation_id)
    assert read is not None and read["status"] == "done"
    assert read["counts"] == {"succeeded": RUNS}
    for run in runs:
        state = (await engine.document(run.run_id))["state"]
        assert (state["status"], state["sequence"]) == ("paused", 3)


async def test_what_runs_answered_is_found_though_they_took_many_commands_before_the_next_worker_looked(
    engine: Engine,
) -> None:
    paused, ended = Commands(partition=0), Commands(partition=1)
    await engine.take(paused.start(), ended.start(), ended.complete(1), ended.complete(2))
    publisher = Direct(engine.settings, "direct")
    publisher.engine, publisher.sent, publisher.lives = engine, [], 10**9
    store, signals = BulkStore(engine.mongo), SealedSignals(engine.sealer, EncryptedFields(engine.mongo, engine.store))
    bulk = worker.BulkWorker(store, publisher, BulkSealing(signals, engine.sealer, engine.keys))
    operation = await taken_up(engine, publisher, RunSelection(run_ids=[paused.run_id, ended.run_id]))
    await store.take_up(operation, [paused.run_id, ended.run_id], None)
    await bulk._publish(operation, [paused.run_id, ended.run_id])  # and then it dies
    for number in range(MANY):
        await engine.take(paused.update(n=number), ended.update(n=number))
        engine.commit(paused, ended)
        engine.committed = dict.fromkeys(engine.committed, 10_000)
    await bulk.carry_out(operation)
    page = await store.results(operation.operation_id, None, None, 10)
    results = {row["run_id"]: (row["status"], row.get("error", {}).get("code")) for row in page.items}
    assert results == {paused.run_id: ("succeeded", None), ended.run_id: ("failed", "INVALID_STATE")}
