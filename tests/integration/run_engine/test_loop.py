"""The loop around the core: whatever fails, each command has its effect once, one answer, and the same events."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import orjson
import pytest
import pytest_asyncio

from contracts import topics
from contracts.rejections import Code
from services.run_engine.journal import ANSWERS_KEPT
from tests.infrastructure import Infrastructure
from tests.integration.run_engine.engine import Commands, Delivered, Engine, assert_whole, command_id
from tests.integration.run_engine.faults import Fault
from tests.kafka import Log

STARTED = ["RunCreated", "StepStarted"]
ALL_OF_TWO_STEPS = [*STARTED, "StepCompleted", "StepStarted", "StepCompleted", "RunCompleted"]


@dataclass
class Setting:
    """Two engines on one database, and what they publish."""

    engine: Engine
    rival: Engine
    events: Log
    replies: Log

    async def events_of(self, commands: Commands) -> list[bytes]:
        return await _values(self.events, {commands.run_id})

    async def answers_to(self, *records: Delivered) -> list[dict[str, Any]]:
        values = await _values(self.replies, {command_id(record) for record in records})
        return [orjson.loads(value)["data"] for value in values]


async def test_a_run_with_much_unpublished_waits_and_goes_on_once_that_is_committed(setting: Setting) -> None:
    commands, engine = Commands(), setting.engine
    await engine.take(commands.start())
    large = [commands.update(document=f"{number}" * 900_000) for number in range(7)]
    for record in large:
        await engine.take(record)
    outcomes = [answer["rejection"] for answer in await setting.answers_to(*large)]
    refused = [outcome["details"]["limit"] for outcome in outcomes if outcome is not None]
    assert (refused, outcomes[:5]) == (["journal_bytes"] * 2, [None] * 5)
    engine.committed = {commands.partition: commands.offset}
    again = commands.update(document="again")
    await engine.take(again)
    (answer,) = await setting.answers_to(again)
    assert answer["rejection"] is None
    assert len(assert_whole(await setting.events_of(commands))) == 2 + 5 + 1


async def _values(log: Log, keys: set[str]) -> list[bytes]:
    return [record.value for record in await log.records() if record.key.decode() in keys]


@pytest_asyncio.fixture(loop_scope="session")
async def setting(infrastructure: Infrastructure, database_prefix: str) -> AsyncIterator[Setting]:
    made = Setting(
        Engine(infrastructure, database_prefix),
        Engine(infrastructure, database_prefix),
        Log(infrastructure.bootstrap_servers, topics.RUN_EVENTS.name),
        Log(infrastructure.bootstrap_servers, topics.GATEWAY_REPLIES.name),
    )
    for engine in (made.engine, made.rival):
        await engine.publisher.start()
    for log in (made.events, made.replies):
        await log.open()
    yield made
    for log in (made.events, made.replies):
        await log.close()
    for engine in (made.engine, made.rival):
        await engine.publisher.stop()
        await engine.mongo.close()


def types(events: list[dict[str, Any]]) -> list[str]:
    return [event["type"] for event in events]


@pytest.mark.parametrize(
    ("faults", "tries"),
    [
        ([], 1),
        (["not written"], 2),
        (["written but told it failed"], 2),
        (["written but told it failed", "not written", "written but told it failed"], 2),
        (["not written", "not written", "written but told it failed"], 4),
    ],
)
async def test_a_start_has_one_effect_and_one_answer(setting: Setting, faults: list[Fault], tries: int) -> None:
    commands = Commands()
    setting.engine.store.faults.extend(faults)
    start = commands.start()
    assert await setting.engine.take(start) == tries
    assert types(assert_whole(await setting.events_of(commands))) == STARTED
    (answer,) = await setting.answers_to(start)
    assert answer["result"]["status"] == "active"
    assert (answer["sequence"], answer["replayed"]) == (2, False)
    document = await setting.engine.document(commands.run_id)
    assert (document["written"], document["state"]["sequence"]) == (1, 2)


@pytest.mark.parametrize("fault", ["not written", "written but told it failed"])
async def test_a_batch_of_a_whole_run_is_one_write_that_may_fail(setting: Setting, fault: Fault) -> None:
    commands, other = Commands(), Commands(first_offset=10)
    batch = [commands.start(), other.start(), commands.complete(1), commands.complete(2)]
    setting.engine.store.faults.append(fault)
    assert await setting.engine.take(*batch) == 2
    assert types(assert_whole(await setting.events_of(commands))) == ALL_OF_TWO_STEPS
    assert types(assert_whole(await setting.events_of(other))) == STARTED
    answers = await setting.answers_to(*batch)
    assert [answer["rejection"] for answer in answers] == [None] * 4
    assert (await setting.engine.document(commands.run_id))["written"] == 1


async def test_a_redelivered_batch_publishes_the_same_bytes_and_writes_nothing(setting: Setting) -> None:
    commands = Commands()
    batch = [commands.start(), commands.complete(1), commands.complete(1), commands.update(note="late")]
    await setting.engine.take(*batch)
    first, answers = await setting.events_of(commands), await setting.answers_to(*batch)
    before = await setting.engine.document(commands.run_id)
    await setting.rival.take(*batch)  # another engine has got the partition, before the offsets were committed
    assert await setting.events_of(commands) == first + first
    assert await setting.answers_to(*batch) == answers + answers
    assert await setting.engine.document(commands.run_id) == before
    assert answers[2]["rejection"]["code"] == Code.INVALID_STATE


async def test_a_refusal_stays_a_refusal_when_it_comes_again_to_a_run_that_went_on(setting: Setting) -> None:
    commands = Commands()
    too_early = commands.complete(2)
    batch = [commands.start(), too_early, commands.complete(1)]
    setting.engine.store.faults.append("written but told it failed")
    await setting.engine.take(*batch)
    (answer,) = await setting.answers_to(too_early)
    assert answer["rejection"]["code"] == Code.INVALID_STATE
    assert (await setting.engine.document(commands.run_id))["state"]["steps"]["step_002"]["status"] == "in_progress"


async def test_more_refusals_in_a_batch_than_answers_are_kept_come_out_the_same(setting: Setting) -> None:
    commands = Commands()
    await setting.engine.take(commands.start())
    refused = [commands.complete(2) for _ in range(ANSWERS_KEPT + 10)]
    setting.engine.store.faults.append("written but told it failed")
    await setting.engine.take(*refused)
    answers = await setting.answers_to(*refused)
    assert {answer["rejection"]["code"] for answer in answers} == {Code.INVALID_STATE}
    assert len(answers) == len(refused)


@pytest.mark.parametrize("cuts", [[0], [1], [2], [3], [1, 1, 2], [4]])
async def test_what_was_published_in_part_is_published_again_in_whole(setting: Setting, cuts: list[int]) -> None:
    commands = Commands()
    batch = [commands.start(), commands.complete(1)]
    setting.engine.publisher.cuts.extend(cuts)
    assert await setting.engine.take(*batch) == len(cuts) + 1
    assert types(assert_whole(await setting.events_of(commands))) == ALL_OF_TWO_STEPS[:4]
    answers = await setting.answers_to(*batch)
    assert [answer["sequence"] for answer in answers[-2:]] == [2, 4]


async def test_a_write_that_another_engine_overtook_is_decided_again(setting: Setting) -> None:
    commands = Commands()
    await setting.engine.take(commands.start())
    ours, theirs = commands.complete(1), commands.update(note="theirs")

    async def overtake() -> None:
        await setting.rival.take(theirs)

    setting.engine.store.rival = overtake
    setting.engine.store.faults.append("raced")
    assert await setting.engine.take(ours) == 1
    events = assert_whole(await setting.events_of(commands))
    assert types(events) == [*STARTED, "DataUpdated", "StepCompleted", "StepStarted"]
    assert [a["sequence"] for a in await setting.answers_to(theirs, ours)] == [3, 5]
    assert (await setting.engine.document(commands.run_id))["state"]["data"] == {"note": "theirs"}


async def test_only_the_run_that_was_overtaken_is_decided_again(setting: Setting) -> None:
    commands, calm = Commands(), Commands(first_offset=10)
    await setting.engine.take(commands.start(), calm.start())

    async def overtake() -> None:
        await setting.rival.take(commands.update(note="theirs"))

    setting.engine.store.rival = overtake
    setting.engine.store.faults.append("raced")
    await setting.engine.take(commands.complete(1), calm.complete(1))
    assert len(await setting.events_of(calm)) == 4
    assert len(assert_whole(await setting.events_of(commands))) == 5


async def test_two_engines_that_take_the_same_start_make_one_run(setting: Setting) -> None:
    commands = Commands()
    start = commands.start()

    async def overtake() -> None:
        await setting.rival.take(start)

    setting.engine.store.rival = overtake
    setting.engine.store.faults.append("raced")
    await setting.engine.take(start)
    assert types(assert_whole(await setting.events_of(commands))) == STARTED
    first, again = await setting.answers_to(start)
    assert first == again


async def test_two_engines_that_take_the_same_completion_count_it_once(setting: Setting) -> None:
    commands = Commands()
    await setting.engine.take(commands.start())
    completion = commands.complete(1)

    async def overtake() -> None:
        await setting.rival.take(completion)

    setting.engine.store.rival = overtake
    setting.engine.store.faults.extend(["raced", "written but told it failed"])
    await setting.engine.take(completion)
    assert types(assert_whole(await setting.events_of(commands))) == ALL_OF_TWO_STEPS[:4]
    first, *others = await setting.answers_to(completion)
    assert all(other == first for other in others)


async def test_an_engine_with_an_old_copy_in_memory_does_not_undo_what_another_wrote(setting: Setting) -> None:
    commands = Commands()
    await setting.engine.take(commands.start())
    await setting.rival.take(commands.complete(1))
    await setting.engine.take(commands.complete(2))
    assert types(assert_whole(await setting.events_of(commands))) == ALL_OF_TWO_STEPS


async def test_events_stay_in_the_journal_until_their_offsets_are_committed(setting: Setting) -> None:
    commands = Commands(steps=4)
    await setting.engine.take(commands.start(), commands.complete(1))
    setting.engine.committed = {0: 1}  # the start, at offset 0, can't come again; the completion can
    await setting.engine.take(commands.complete(2))
    assert await kept_messages(setting, commands) == {0: 0, 1: 2, 2: 2}
    setting.engine.committed = {0: 3, 1: 1000}
    await setting.engine.take(commands.complete(3))
    assert await kept_messages(setting, commands) == {0: 0, 1: 0, 2: 0, 3: 2}


async def test_the_end_of_another_partition_prunes_nothing(setting: Setting) -> None:
    commands = Commands()
    await setting.engine.take(commands.start())
    setting.engine.committed = {1: 1000}
    await setting.engine.take(commands.complete(1))
    assert await kept_messages(setting, commands) == {0: 2, 1: 2}


async def kept_messages(setting: Setting, commands: Commands) -> dict[int, int]:
    """Of each entry in the journal, by offset, how many messages could be published again."""
    document = await setting.engine.document(commands.run_id)
    return {entry["offset"]: len(entry["messages"]) for entry in document["journal"].values()}


async def test_a_command_to_a_run_that_is_not_there_is_refused_and_leaves_nothing(setting: Setting) -> None:
    commands = Commands()
    completion = commands.complete(1)
    await setting.engine.take(completion)
    (answer,) = await setting.answers_to(completion)
    assert answer["rejection"]["code"] == Code.NOT_FOUND
    assert await setting.engine.mongo.collection("runs").count_documents({}) == 0
