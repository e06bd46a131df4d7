"""What a command was answered stays so, whatever happens afterwards, to whoever asks for it or sends it again."""

from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest
import pytest_asyncio

from contracts import limits, topics
from contracts.commands import Command, CompleteStep, UpdateData
from contracts.organization_documents import OrganizationDocumentChanged, document_key
from contracts.rejections import Code
from contracts.replies import Reply
from contracts.values import SYSTEM
from services.run_engine import organizations
from services.run_engine.journal import ANSWERS_KEPT
from shared import clock
from shared.errors import Refused
from shared.ids import new_id
from shared.kafka import Parking
from shared.messages import event_message
from shared.outcomes import COLLECTION, INDEXES, RETENTION
from tests.infrastructure import Infrastructure
from tests.integration.run_engine.engine import ORGANIZATION, SOMEBODY, Commands, Delivered, Engine, command_id

MANY = 40


@pytest_asyncio.fixture(loop_scope="session")
async def engine(infrastructure: Infrastructure, database_prefix: str) -> AsyncIterator[Engine]:
    made = await started(infrastructure, database_prefix)
    yield made
    await stopped(made)


async def started(infrastructure: Infrastructure, database_prefix: str) -> Engine:
    made = Engine(infrastructure, database_prefix)
    await made.publisher.start()
    return made


async def stopped(engine: Engine) -> None:
    await engine.publisher.stop()
    await engine.mongo.close()


async def outcome(engine: Engine, commands: Commands, record: Delivered) -> Reply | None:
    """As GET /api/v1/operations reads it."""
    found = await engine.store.outcome(ORGANIZATION, commands.run_id, command_id(record))
    return found.reply if found is not None else None


async def further(engine: Engine, commands: Commands, count: int = MANY) -> None:
    """Commands after it, each in a batch of its own, all committed."""
    for number in range(count):
        await engine.take(commands.update(further=number))
        engine.commit(commands)


def sent_again(commands: Commands, record: Delivered) -> Delivered:
    """The same command under its key, later in the log."""
    return commands.delivered(record.value or b"")


async def stored(engine: Engine) -> int:
    return int(await engine.mongo.collection(COLLECTION).count_documents({}))


@pytest.mark.parametrize("fingerprint", [None, "body"], ids=["without a key", "with a key"])
@pytest.mark.parametrize("command", [UpdateData(caller=SOMEBODY, data={"a": 1}),
                                     CompleteStep(caller=SOMEBODY, step_id="step_002")],
                         ids=["accepted", "refused"])  # fmt: skip
async def test_an_outcome_is_there_and_the_same_after_many_further_commands(
    engine: Engine, command: Command, fingerprint: str | None
) -> None:
    commands = Commands()
    await engine.take(commands.start())
    record = commands.record(command, fingerprint=fingerprint)
    await engine.take(record)
    first = await outcome(engine, commands, record)
    assert first is not None and (first.rejection is None) == isinstance(command, UpdateData)
    for _ in range(3):
        await further(engine, commands)
        assert await outcome(engine, commands, record) == first


async def test_a_key_gets_its_first_answer_after_many_further_commands_and_in_another_engine(
    engine: Engine, infrastructure: Infrastructure, database_prefix: str
) -> None:
    commands = Commands()
    await engine.take(commands.start())
    taken = commands.record(UpdateData(caller=SOMEBODY, data={"a": 1}), fingerprint="body")
    refused = commands.record(CompleteStep(caller=SOMEBODY, step_id="step_002"), fingerprint="body")
    await engine.take(taken, refused)
    firsts = [await outcome(engine, commands, record) for record in (taken, refused)]
    await engine.take(commands.complete(1))  # the refused completion would be accepted now
    await further(engine, commands)
    other = await started(infrastructure, database_prefix)
    for reader in (engine, other):
        before = (await engine.document(commands.run_id))["state"]["sequence"]
        await reader.take(sent_again(commands, taken), sent_again(commands, refused))
        assert [await outcome(reader, commands, record) for record in (taken, refused)] == firsts
        assert (await engine.document(commands.run_id))["state"]["sequence"] == before
    await stopped(other)


async def test_a_key_with_another_body_is_a_conflict_after_many_further_commands(engine: Engine) -> None:
    commands, name = Commands(), new_id("cmd")
    await engine.take(commands.start())
    first = commands.record(UpdateData(caller=SOMEBODY, data={"a": 1}), name, "body")
    await engine.take(first)
    await further(engine, commands)
    await engine.take(commands.record(UpdateData(caller=SOMEBODY, data={"a": 2}), name, "another body"))
    assert (await engine.document(commands.run_id))["state"]["data"]["a"] == 1
    answer = await outcome(engine, commands, first)
    assert answer is not None and answer.rejection is None, "the conflict is the repeat's, not the command's"


async def test_most_commands_cost_no_write_beside_that_of_their_run(engine: Engine) -> None:
    commands, writes = Commands(), 0
    keep = engine.store.outcomes.save

    async def counted(outcomes: Any) -> None:
        nonlocal writes
        writes += bool(outcomes)
        await keep(outcomes)

    engine.store.outcomes.save = counted  # type: ignore[method-assign]
    await engine.take(commands.start())
    await further(engine, commands, ANSWERS_KEPT - 1)
    assert writes == 0
    await further(engine, commands, 100)
    assert writes <= 100 // 16


async def test_an_answer_is_stored_before_the_journal_lets_go_of_it(engine: Engine) -> None:
    commands = Commands()
    await engine.take(commands.start())
    record = commands.update(a=1)
    await engine.take(record)
    first = await outcome(engine, commands, record)
    for number in range(MANY):
        engine.store.faults.extend(["not written", "written but told it failed"])
        await engine.take(commands.update(further=number))
        engine.commit(commands)
        assert await outcome(engine, commands, record) == first


async def test_what_nobody_asks_for_leaves_the_journal_without_being_stored(engine: Engine) -> None:
    commands = Commands()
    await engine.take(commands.start())
    for number in range(MANY):
        silent = commands.update(quietly=number)
        content = orjson.loads(silent.value or b"")
        silent.value = orjson.dumps({**content, "reply_to": None})
        await engine.take(silent)
        engine.commit(commands)
    assert await stored(engine) == 1, "of the start"


async def test_outcomes_expire_after_a_week_and_then_say_so(engine: Engine) -> None:
    await engine.mongo.create_indexes({COLLECTION: INDEXES})
    indexes = await engine.mongo.collection(COLLECTION).index_information()
    assert RETENTION.days == 7
    assert [i["expireAfterSeconds"] for i in indexes.values() if "expireAfterSeconds" in i] == [7 * 24 * 3600]
    commands = Commands()
    await engine.take(commands.start())
    record = commands.update(a=1)
    await engine.take(record)
    await further(engine, commands)
    await engine.mongo.collection(COLLECTION).delete_many({})  # as MongoDB does after a week
    with pytest.raises(Refused) as refused:
        await outcome(engine, commands, record)
    assert refused.value.rejection.code is Code.NOT_FOUND
    assert "no longer kept" in refused.value.rejection.message
    before = (await engine.document(commands.run_id))["state"]["sequence"]
    await engine.take(sent_again(commands, record))
    assert (await engine.document(commands.run_id))["state"]["sequence"] == before, "it is still not done twice"


async def test_a_command_that_was_set_aside_reads_as_failed_until_it_is_released(engine: Engine) -> None:
    commands = Commands()
    await engine.take(commands.start())
    record = commands.update(a=1)
    await engine.loop.set_aside(record, RuntimeError("a bug"))
    failed = await outcome(engine, commands, record)
    assert failed is not None and failed.rejection is not None
    assert failed.rejection.code is Code.INTERNAL_ERROR
    await engine.take(sent_again(commands, record))
    released = await outcome(engine, commands, record)
    assert released is not None and released.rejection is None


async def test_a_command_that_an_overloaded_run_refused_reads_as_failed_and_may_be_sent_again(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands = Commands()
    await engine.take(commands.start())
    monkeypatch.setattr(limits, "JOURNAL_BYTES", 100)
    record = commands.record(UpdateData(caller=SOMEBODY, data={"a": 1}), fingerprint="body")
    await engine.take(record)
    refused = await outcome(engine, commands, record)
    assert refused is not None and refused.rejection is not None and refused.rejection.code is Code.UNAVAILABLE
    engine.commit(commands)
    await engine.take(sent_again(commands, record))
    taken = await outcome(engine, commands, record)
    assert taken is not None and taken.rejection is None


async def test_a_start_that_was_refused_stays_refused_when_it_is_delivered_again(
    engine: Engine, infrastructure: Infrastructure, database_prefix: str
) -> None:
    commands = Commands(1, step_type="automated", automation_config={"auto_approve_limit": 1_000_000})
    start = commands.start()
    await engine.take(start)
    first = await outcome(engine, commands, start)
    assert first is not None and first.rejection is not None and first.rejection.code is Code.POLICY_VIOLATION
    await allow(engine, 2_000_000)
    other = await started(infrastructure, database_prefix)
    await other.take(start)  # the first engine had died before it committed
    assert await outcome(other, commands, start) == first
    assert await other.mongo.collection("runs").count_documents({}) == 0
    await stopped(other)


async def test_a_start_that_was_refused_under_a_key_stays_refused_when_it_is_sent_again(engine: Engine) -> None:
    commands = Commands(1, step_type="automated", automation_config={"auto_approve_limit": 1_000_000})
    start = keyed(commands.start())
    await engine.take(start)
    await allow(engine, 2_000_000)
    await engine.take(sent_again(commands, start))
    assert await engine.mongo.collection("runs").count_documents({}) == 0
    await engine.take(commands.start())
    assert (await engine.document(commands.run_id))["state"]["status"] == "active", "under a new key it is accepted"


async def test_what_was_sent_to_a_run_before_its_start_stays_refused_once_the_run_is_there(
    engine: Engine, infrastructure: Infrastructure, database_prefix: str
) -> None:
    commands = Commands()
    early, start = commands.complete(1), commands.start()
    await engine.take(early)
    await engine.take(start)
    other = await started(infrastructure, database_prefix)
    await other.take(early, start)
    assert (await other.document(commands.run_id))["state"]["steps"]["step_001"]["status"] == "in_progress"
    await stopped(other)


async def test_what_an_overloaded_run_refused_stays_refused_when_it_is_delivered_again(
    engine: Engine, infrastructure: Infrastructure, database_prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands = Commands()
    await engine.take(commands.start())
    monkeypatch.setattr(limits, "JOURNAL_BYTES", 100)
    record = commands.update(a=1)
    await engine.take(record)
    monkeypatch.undo()
    other = await started(infrastructure, database_prefix)
    await other.take(record)
    answer = await outcome(other, commands, record)
    assert answer is not None and answer.rejection is not None and answer.rejection.code is Code.UNAVAILABLE
    assert (await other.document(commands.run_id))["state"]["data"] == {}
    await stopped(other)


def keyed(record: Delivered) -> Delivered:
    """The record as of a request under an Idempotency-Key."""
    record.value = orjson.dumps({**orjson.loads(record.value or b""), "fingerprint": "body"})
    return record


async def allow(engine: Engine, amount: float) -> None:
    """The organization's automated approvals may go up to this amount from now on."""
    controls = OrganizationDocumentChanged(
        at=clock.now(), actor=SYSTEM, kind="financial_controls", name="", revision=1,
        content={"auto_approve_limit": amount},
    )  # fmt: skip
    key = document_key(ORGANIZATION, "financial_controls", "")
    message, _ = event_message(
        topics.POLICY_EVENTS.name, key, controls, sequence=1, previous_hash=None, organization_id=ORGANIZATION,
        correlation_id="req_1", causation_id="cmd_1", time=controls.at,
    )  # fmt: skip
    await engine.mongo.create_indexes(organizations.INDEXES)
    parking = Parking(engine.publisher, topics.POLICY_EVENTS, "run_engine")
    record = Delivered(message.value, key.encode(), 1, topic=topics.POLICY_EVENTS.name)
    await organizations.DocumentConsumer(organizations.OrganizationStore(engine.mongo), parking).handle((record,))
