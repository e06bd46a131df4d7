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
        self.ingress = SignalIngress(self.publisher, ("run:update",), sealed, refused)

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
