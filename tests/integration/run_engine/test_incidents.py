"""A surprise stops one command of one run; an operator finds it, and sends it again when what went wrong is mended."""

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import orjson
import pytest
import pytest_asyncio

from contracts import topics
from services.run_engine.incidents import DONE, NO_INCIDENT, NOT_REACHED, main
from services.run_engine.store import INDEXES
from tests.infrastructure import Infrastructure
from tests.integration.run_engine.engine import Commands, Delivered, Engine, command_id
from tests.integration.running import tap


@pytest_asyncio.fixture(loop_scope="session")
async def engine(infrastructure: Infrastructure, database_prefix: str) -> AsyncIterator[Engine]:
    made = Engine(infrastructure, database_prefix)
    await made.publisher.start()
    await made.mongo.create_indexes(INDEXES)
    yield made
    await made.publisher.stop()
    await made.mongo.close()


async def _asked(engine: Engine, *arguments: str, **over: Any) -> int:
    """In a thread: the command has an event loop of its own."""
    settings = engine.settings.model_copy(update=over)
    with ThreadPoolExecutor(1) as thread:
        return await asyncio.get_running_loop().run_in_executor(thread, main, settings, list(arguments))


async def _with_an_incident(engine: Engine) -> tuple[Commands, Delivered]:
    commands = Commands()
    await engine.take(commands.start())
    record = commands.complete(1)
    await engine.loop.set_aside(record, RuntimeError("a bug"))
    return commands, record


async def test_a_released_command_counts_as_if_nothing_had_happened(
    engine: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    commands, record = await _with_an_incident(engine)
    async with tap(engine.settings.kafka_bootstrap_servers, topics.RUN_COMMANDS) as sent:
        assert await _asked(engine) == DONE
        listed = capsys.readouterr().out
        assert commands.run_id in listed and "RuntimeError: a bug" in listed
        assert await _asked(engine, "release", commands.run_id) == DONE
        assert "1 commands sent again (CompleteStep)" in capsys.readouterr().out
        (again,) = await sent.find(lambda message: message["key"] == commands.run_id)
    assert record.value is not None and again == orjson.loads(record.value)
    assert "incident" not in await engine.document(commands.run_id)
    await engine.take(commands.delivered(record.value))
    await engine.take(commands.delivered(record.value))  # sent again by mistake
    document = await engine.document(commands.run_id)
    assert document["state"]["steps"]["step_001"]["status"] == "completed"
    assert document["state"]["sequence"] == 4


async def test_an_incident_is_dismissed_and_the_command_stays_parked(
    engine: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    commands, _ = await _with_an_incident(engine)
    assert await _asked(engine, "dismiss", commands.run_id) == DONE
    assert topics.RUN_COMMANDS.parked in capsys.readouterr().out
    assert "incident" not in await engine.document(commands.run_id)


async def test_a_release_sends_all_that_its_incident_has_set_aside_and_nothing_from_before(engine: Engine) -> None:
    commands, dismissed = await _with_an_incident(engine)
    assert await _asked(engine, "dismiss", commands.run_id) == DONE
    later = [commands.update(n=1), commands.update(n=2)]
    for record in later:
        await engine.loop.set_aside(record, RuntimeError("another bug"))
    async with tap(engine.settings.kafka_bootstrap_servers, topics.RUN_COMMANDS) as sent:
        assert await _asked(engine, "release", commands.run_id) == DONE
        again = await sent.find(lambda message: message["key"] == commands.run_id, 2)
    assert [message["id"] for message in again] == [command_id(record) for record in later]
    assert command_id(dismissed) not in {message["id"] for message in again}


async def test_a_newer_incident_keeps_its_mark(engine: Engine) -> None:
    commands, record = await _with_an_incident(engine)
    first = await engine.store.incident(commands.run_id)
    assert first is not None
    await engine.loop.set_aside(record, RuntimeError("again"))
    await engine.store.clear_incident(commands.run_id, first)
    assert "again" in (await engine.document(commands.run_id))["incident"]["error"]


async def test_says_in_a_sentence_what_can_not_be_done(engine: Engine, capsys: pytest.CaptureFixture[str]) -> None:
    commands = Commands()
    await engine.take(commands.start())
    assert await _asked(engine, "release", commands.run_id) == NO_INCIDENT
    assert await _asked(engine, "release", "run_unknown") == NO_INCIDENT
    nowhere = "mongodb://127.0.0.1:1/?replicaSet=rs0"
    assert await _asked(engine, mongodb_uri=nowhere) == NOT_REACHED
    said = capsys.readouterr().err
    assert "has no incident" in said and "does not answer" in said
