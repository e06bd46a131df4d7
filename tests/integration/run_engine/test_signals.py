"""Signals from Kafka on the real database: what REST would answer stands in the outcome, and nothing clear stays."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

import httpx
import orjson
import pytest
import pytest_asyncio

from contracts import topics
from services.run_engine.ingress import SignalIngress
from services.run_engine.refused_signals import RefusedSignals
from services.run_engine.sealing.fields import EncryptedFields
from services.run_engine.sealing.signals import SealedSignals
from services.run_engine.signal_sources import SignalSources
from shared.kafka import Publisher
from shared.messages import OutgoingMessage
from tests.infrastructure import Infrastructure
from tests.integration.run_engine.engine import ORGANIZATION, Commands, Delivered, Engine
from tests.unit.gateway.client import authorization, gateway

SSN = "123-45-6789"
EVENT = {"type": "event", "name": "paid"}
MISTAKES = [
    {},
    {"type": "dance"},
    {"type": "pause", "pause_until": "tomorrow"},
    {"type": "pause", "pause_until": 1705740000},
    {"type": "pause", "pause_until": "2034-01-20T09:00:00"},
    {"type": "pause", "pause_untill": "2034-01-20T09:00:00Z", "colour": "red"},
    {"type": "reassign"},
    {"type": "reassign", "step_id": 2, "escalate_to": ["cfo"], "colour": "red"},
    {"type": "cancel", "step_id": "step_002", "pause_until": "2034-01-20T09:00:00Z"},
    {"type": "escalate", "escalate_to": "cfo", "issued_by": 7},
    {"type": "skip", "reason": "x" * 2001},
    EVENT | {"data": [1]},
    EVENT | {"data": {"n": 2**70}},
    EVENT | {"data": {"a": [{"b\0": 1}]}},
    "pause",
]


class Kept(Publisher):
    """Keeps what is published."""

    sent: list[OutgoingMessage]

    async def publish(self, messages: Sequence[OutgoingMessage]) -> None:
        self.sent += messages


class System:
    """An ingress and the engine behind it."""

    def __init__(self, engine: Engine, *, copies: bool) -> None:
        self.engine = engine
        self.publisher = Kept(engine.settings, "kept")
        self.publisher.sent = []
        sealed = SealedSignals(engine.sealer, EncryptedFields(engine.mongo, engine.store))
        refused = RefusedSignals(copies=copies)
        self.ingress = SignalIngress(self.publisher, SignalSources({}, ("run:update",)), sealed, refused)

    async def takes(self, value: bytes, offset: int = 1) -> dict[str, list[dict[str, Any]]]:
        """What came of it, by topic."""
        self.publisher.sent = []
        await self.ingress.handle((Delivered(value, b"run_1", offset, topic=topics.SIGNALS.name),))
        return self.told()

    def told(self) -> dict[str, list[dict[str, Any]]]:
        found: dict[str, list[dict[str, Any]]] = {}
        for message in self.publisher.sent:
            assert message.value is not None
            found.setdefault(message.topic, []).append(orjson.loads(message.value))
        return found


@pytest_asyncio.fixture(loop_scope="session")
async def engine(infrastructure: Infrastructure, database_prefix: str) -> AsyncIterator[Engine]:
    made = Engine(infrastructure, database_prefix)
    await made.publisher.start()
    yield made
    await made.publisher.stop()
    await made.mongo.close()


def message(signal: Any, **more: Any) -> dict[str, Any]:
    return {"organization_id": ORGANIZATION, "run_id": "run_1", "signal_id": "sig_7", "signal": signal, **more}


async def rest(body: bytes) -> dict[str, Any]:
    headers = authorization(organization_id=ORGANIZATION) | {"Content-Type": "application/json"}
    async with gateway() as client:
        answer: httpx.Response = await client.post("/api/v1/playbook-runs/run_1/signal", content=body, headers=headers)
    assert answer.status_code == 400, answer.text
    error: dict[str, Any] = answer.json()["error"]
    return error


@pytest.mark.parametrize("signal", MISTAKES, ids=str)
async def test_a_mistake_has_the_outcome_that_rest_answers(engine: Engine, signal: Any) -> None:
    value = httpx.Request("POST", "http://x", json=message(signal)).content
    told = await System(engine, copies=True).takes(value)
    (outcome,) = told[topics.SIGNALS_OUTCOMES.name]
    assert outcome["rejection"] == await rest(value)
    assert (outcome["signal_id"], outcome["run_id"], outcome["organization_id"], outcome["accepted"]) == (
        "sig_7", "run_1", ORGANIZATION, False,
    )  # fmt: skip
    assert topics.RUN_COMMANDS.name not in told


async def test_names_that_stand_twice_are_refused_as_rest_refuses_them(engine: Engine) -> None:
    value = orjson.dumps(message(EVENT)).replace(b'"name":"paid"', b'"name":"paid","name":"lost"')
    (outcome,) = (await System(engine, copies=True).takes(value))[topics.SIGNALS_OUTCOMES.name]
    assert outcome["rejection"] == await rest(value)
    assert outcome["rejection"]["details"]["field"] == "signal.name"


async def test_says_which_name_is_meant(engine: Engine) -> None:
    told = await System(engine, copies=True).takes(orjson.dumps(message({"type": "pause", "pause_untill": "x"})))
    details = told[topics.SIGNALS_OUTCOMES.name][0]["rejection"]["details"]
    assert (details["field"], details["value"]) == ("signal.pause_untill", "x")
    assert "Is 'pause_until' meant?" in details["reason"]


async def test_a_newer_version_is_refused_and_the_outcome_names_what_is_expected(engine: Engine) -> None:
    told = await System(engine, copies=True).takes(orjson.dumps(message({"type": "pause"}, schema_version=2)))
    rejection = told[topics.SIGNALS_OUTCOMES.name][0]["rejection"]
    assert (rejection["code"], rejection["details"]["field"]) == ("VALIDATION_ERROR", "schema_version")
    assert "must be 1 or lower" in rejection["details"]["reason"]
    assert topics.RUN_COMMANDS.name not in told
    taken = await System(engine, copies=True).takes(orjson.dumps(message({"type": "pause"}, schema_version=1)))
    assert list(taken) == [topics.RUN_COMMANDS.name]


async def test_data_that_is_nested_too_deeply_has_an_outcome_with_its_path(engine: Engine) -> None:
    deep: dict[str, Any] = {}
    for _ in range(220):  # more than one of two JSON readers takes
        deep = {"a": deep}
    told = await System(engine, copies=True).takes(orjson.dumps(message(EVENT | {"data": deep})))
    details = told[topics.SIGNALS_OUTCOMES.name][0]["rejection"]["details"]
    assert details["field"].startswith("signal.data.a.a.") and "Nested deeper" in details["reason"]


@pytest.mark.parametrize("signal_id", [None, 7, "", "x" * 201])
async def test_without_an_id_that_can_be_one_the_origin_stands_for_it(engine: Engine, signal_id: Any) -> None:
    told = await System(engine, copies=True).takes(orjson.dumps(message({"type": "dance"}, signal_id=signal_id)))
    (outcome,) = told[topics.SIGNALS_OUTCOMES.name]
    assert outcome["signal_id"].startswith("sig_") and outcome["signal_id"] != "sig_7"
    assert len(told[topics.SIGNALS_REJECTED.name]) == 1


@pytest.mark.parametrize(
    "value",
    [
        b"{", b"[]", b"7", b"\xff", b'{"signal": {}}',
        orjson.dumps(message(EVENT, run_id="")), orjson.dumps(message(EVENT, organization_id=7)),
    ],
)  # fmt: skip
async def test_what_does_not_say_whose_it_is_is_set_aside_only(engine: Engine, value: bytes) -> None:
    told = await System(engine, copies=True).takes(value)
    assert list(told) == [topics.SIGNALS_REJECTED.name]


async def test_a_corrected_signal_under_the_same_id_is_taken(engine: Engine) -> None:
    commands, system = Commands(), System(engine, copies=True)
    await engine.take(commands.start())
    for signal in ({"type": "pauze"}, {"type": "pause", "until": 1}):
        refused = await system.takes(orjson.dumps(message(signal, run_id=commands.run_id)))
        assert topics.RUN_COMMANDS.name not in refused
    await system.takes(orjson.dumps(message({"type": "pause", "reason": "r"}, run_id=commands.run_id)), offset=3)
    (command,) = system.publisher.sent
    assert command.value is not None
    await engine.take(commands.delivered(command.value))
    state = (await engine.document(commands.run_id))["state"]
    assert state["status"] == "paused"


class Sender:
    """Sends signals under one id to a run with an encrypted field, and gives each one's outcome."""

    def __init__(self, engine: Engine) -> None:
        form = [{"name": "ssn", "type": "text", "encrypted": True}]
        self.commands = Commands(metadata={"form_fields": form})
        self._engine, self._system, self._sent = engine, System(engine, copies=False), 100
        self._outcomes = Kept(engine.settings, "outcomes")

    async def sends(self, signal: dict[str, Any]) -> dict[str, Any]:
        self._sent += 1
        await self._system.takes(orjson.dumps(message(signal, run_id=self.commands.run_id)), offset=self._sent)
        (command,) = self._system.publisher.sent
        assert command.value is not None and SSN.encode() not in command.value
        self._outcomes.sent = []
        self._engine.loop._publisher = self._outcomes
        await self._engine.take(self.commands.delivered(command.value))
        (outcome,) = [m.value for m in self._outcomes.sent if m.topic == topics.SIGNALS_OUTCOMES.name]
        assert outcome is not None
        told: dict[str, Any] = orjson.loads(outcome)
        return told


@pytest.mark.parametrize(
    ("signal", "other"),
    [
        ({"type": "pause", "reason": "r"}, {"type": "pause", "reason": "another"}),
        (EVENT | {"data": {"ssn": SSN}}, EVENT | {"data": {"ssn": "another"}}),
    ],
)
async def test_another_signal_under_the_id_of_one_that_was_accepted_is_a_conflict(
    engine: Engine, signal: dict[str, Any], other: dict[str, Any]
) -> None:
    sender = Sender(engine)
    await engine.take(sender.commands.start())
    first, again, conflict = [await sender.sends(sent) for sent in (signal, signal, other)]
    assert first["accepted"] and (again["accepted"], again["result"]) == (True, first["result"])
    rejection = conflict["rejection"]
    assert (rejection["code"], rejection["details"]["field"]) == ("IDEMPOTENCY_CONFLICT", "signal_id")


async def test_what_the_engine_refused_is_taken_when_it_is_put_right_under_the_same_id(engine: Engine) -> None:
    sender = Sender(engine)
    await engine.take(sender.commands.start())
    wrong = await sender.sends({"type": "reassign", "step_id": "step_009", "assignee": "ann"})
    assert wrong["rejection"]["code"] == "NOT_FOUND"
    right = {"type": "reassign", "step_id": "step_001", "assignee": "ann"}
    assert (await sender.sends(right))["accepted"]
    assert (await sender.sends(right))["accepted"]
    state = (await engine.document(sender.commands.run_id))["state"]
    assert (state["steps"]["step_001"]["assigned_to"], state["sequence"]) == ("ann", 3)


@pytest.mark.parametrize(
    "signal",
    [
        EVENT | {"data": [{"ssn": SSN}]},
        EVENT | {"data": SSN},
        EVENT | {"metadata": SSN},
        EVENT | {"dat": {"ssn": SSN}},
        EVENT | {"ssn": SSN},
        EVENT | {"name": {"ssn": SSN}},
        EVENT | {"data": {"ssn": SSN}, "type": {"ssn": SSN}},
        SSN,
        [SSN],
    ],
    ids=str,
)
async def test_where_fields_are_encrypted_no_value_of_a_refused_signal_is_written(
    engine: Engine, signal: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    told = await System(engine, copies=False).takes(orjson.dumps(message(signal)))
    assert SSN not in orjson.dumps(told).decode() and SSN not in capsys.readouterr().out
    (outcome,) = told[topics.SIGNALS_OUTCOMES.name]
    assert outcome["rejection"]["code"] == "VALIDATION_ERROR"
    assert outcome["rejection"]["details"]["field"].startswith("signal")


async def test_where_fields_are_encrypted_what_can_hold_none_is_still_told(engine: Engine) -> None:
    told = await System(engine, copies=False).takes(orjson.dumps(message({"type": "dance"})))
    assert told[topics.SIGNALS_OUTCOMES.name][0]["rejection"]["details"]["value"] == "dance"


@pytest.mark.parametrize("copies", [True, False])
async def test_a_surprise_is_told_too_and_holds_no_value_where_fields_are_encrypted(
    engine: Engine, copies: bool
) -> None:
    system = System(engine, copies=copies)
    record = Delivered(orjson.dumps(message(EVENT | {"data": {"ssn": SSN}})), b"run_1", 1, topic=topics.SIGNALS.name)
    await system.ingress.set_aside(record, ValueError(f"about {SSN}"))
    told = system.told()
    assert told[topics.SIGNALS_OUTCOMES.name][0]["rejection"]["code"] == "INTERNAL_ERROR"
    assert (SSN in orjson.dumps(told).decode()) is copies
