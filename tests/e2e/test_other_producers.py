"""Other producers on the running stack: compressed, aborted, oversized and forged records, seen from outside."""

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
import pytest_asyncio
from aiokafka import AIOKafkaProducer
from standardwebhooks import Webhook

from contracts.topics import AUTOMATION_JOBS, RUN_COMMANDS, SIGNALS, SIGNALS_OUTCOMES, SIGNALS_REJECTED
from deploy.local.waiting import until
from deploy.topics import create_topics
from shared.ids import new_id
from tests.conftest import provided_stack
from tests.e2e.clients import Client, tasks_in_a_row, tenant
from tests.infrastructure import Choice
from tests.kafka import Log, client_options
from tests.record_batches import bomb, send
from tests.running_stack import RunningStack

SECRET = "whsec_" + b64encode(bytes(range(32))).decode()
OWN_TOPIC = "playbook.signals.billing"
SOURCES = {
    "crm": {"secrets": [SECRET], "organizations": ["*"], "types": ["*"]},
    "billing": {"topic": OWN_TOPIC, "organizations": ["*"], "types": ["event"]},
}
SECONDS = 60.0
BOMB_BYTES = 1024 * 1024 * 1024
LIMIT_KB = 1024 * 1024
"""The memory that the manifests give to the engine."""


@pytest.fixture(scope="module")
def stack(
    infrastructure_choice: Choice, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningStack]:
    settings = {"SIGNAL_SOURCES": orjson.dumps(SOURCES).decode()}
    shared = None if infrastructure_choice.kind == "embedded" else request.getfixturevalue("infrastructure")
    if shared:
        asyncio.run(create_topics(shared.settings | settings))
    with provided_stack(infrastructure_choice, request, tmp_path_factory.mktemp("sources"), settings) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def client(stack: RunningStack) -> AsyncIterator[Client]:
    client = Client(tenant(stack))
    yield client
    client.close()


@pytest_asyncio.fixture(loop_scope="session")
async def run_id(client: Client) -> str:
    return str((await client.started(await client.created(tasks_in_a_row(2))))["run_id"])


def event(client: Client, run_id: str, **data: Any) -> dict[str, Any]:
    signal = {"type": "event", "name": "paid", "data": data, "issued_by": "the_ceo"}
    return {
        "organization_id": client.caller.organization_id,
        "run_id": run_id,
        "signal_id": new_id("sig"),
        "signal": signal,
    }


def signed(sent: dict[str, Any]) -> list[tuple[str, bytes]]:
    moment, body = datetime.now(UTC), orjson.dumps(sent).decode()
    head = {
        "webhook-id": sent["signal_id"],
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": Webhook(SECRET).sign(sent["signal_id"], moment, body),
    }
    return [(name, value.encode()) for name, value in head.items()]


def producing(stack: RunningStack, **options: Any) -> AIOKafkaProducer:
    return AIOKafkaProducer(**client_options(stack.bootstrap_servers), **options)


async def write(producer: AIOKafkaProducer, sent: dict[str, Any], topic: str = SIGNALS.name, **more: Any) -> None:
    await producer.send_and_wait(topic, orjson.dumps(sent), key=sent["run_id"].encode(), **more)


async def outcome_of(log: Log, sent: dict[str, Any]) -> dict[str, Any]:
    found: list[dict[str, Any]] = []

    async def is_there() -> bool:
        documents = [orjson.loads(record.value) for record in await log.records()]
        found[:] = [document for document in documents if document["signal_id"] == sent["signal_id"]]
        return bool(found)

    await asyncio.wait_for(until(is_there), SECONDS)
    return found[0]


@pytest_asyncio.fixture(loop_scope="session")
async def outcomes(stack: RunningStack) -> AsyncIterator[Log]:
    log = Log(stack.bootstrap_servers, SIGNALS_OUTCOMES.name)
    await log.open()
    yield log
    await log.close()


async def actors(client: Client, run_id: str) -> set[str]:
    timeline = (await client.get(f"/playbook-runs/{run_id}/timeline?include_system_events=true")).data()["timeline"]
    return {entry["actor"] for entry in timeline}


@pytest.mark.parametrize("codec", ["gzip", "snappy", "lz4", "zstd"])
async def test_a_compressed_signal_is_carried_out_and_its_actor_is_the_source_that_signed_it(
    stack: RunningStack, client: Client, run_id: str, outcomes: Log, codec: str
) -> None:
    sent = event(client, run_id, codec=codec)
    async with producing(stack, compression_type=codec) as producer:
        await write(producer, sent, headers=signed(sent))
    assert (await outcome_of(outcomes, sent))["accepted"] is True
    assert "crm" in await actors(client, run_id)
    assert "the_ceo" not in await actors(client, run_id)


async def test_a_source_with_a_topic_of_its_own_needs_no_signature(
    stack: RunningStack, client: Client, run_id: str, outcomes: Log
) -> None:
    allowed, forbidden = event(client, run_id), event(client, run_id) | {"signal": {"type": "cancel"}}
    async with producing(stack) as producer:
        await write(producer, forbidden, OWN_TOPIC)
        await write(producer, allowed, OWN_TOPIC)
    assert (await outcome_of(outcomes, allowed))["accepted"] is True
    assert (await outcome_of(outcomes, forbidden))["rejection"]["code"] == "FORBIDDEN"
    assert "billing" in await actors(client, run_id)
    assert (await client.get(f"/playbook-runs/{run_id}")).data()["status"] == "active"


async def test_a_forged_signal_is_refused_without_an_outcome(
    stack: RunningStack, client: Client, run_id: str, outcomes: Log
) -> None:
    rejected = Log(stack.bootstrap_servers, SIGNALS_REJECTED.name)
    await rejected.open()
    forged, own = event(client, run_id, forged=True), event(client, run_id, forged=False)
    async with producing(stack) as producer:
        await write(producer, forged)
        await write(producer, forged, headers=signed(own))
        await write(producer, own, headers=signed(own))
    assert (await outcome_of(outcomes, own))["accepted"] is True
    reasons = [orjson.loads(record.value)["reason"] for record in await rejected.records()]
    await rejected.close()
    assert len(reasons) == 2 and all("without a valid signature" in reason for reason in reasons)
    documents = [orjson.loads(record.value) for record in await outcomes.records()]
    assert forged["signal_id"] not in {document["signal_id"] for document in documents}


async def test_a_signal_of_a_later_version_is_refused_and_the_next_one_is_carried_out(
    stack: RunningStack, client: Client, run_id: str, outcomes: Log
) -> None:
    later, known = (event(client, run_id) | {"schema_version": version} for version in (2, 1))
    async with producing(stack) as producer:
        for sent in (later, known):
            await write(producer, sent, headers=signed(sent))
    assert (await outcome_of(outcomes, known))["accepted"] is True
    rejection = (await outcome_of(outcomes, later))["rejection"]
    assert (rejection["code"], rejection["details"]["field"]) == ("VALIDATION_ERROR", "schema_version")


async def test_a_signal_of_an_aborted_transaction_is_not_executed(
    stack: RunningStack, client: Client, run_id: str, outcomes: Log
) -> None:
    aborted, committed = event(client, run_id), event(client, run_id)
    async with producing(stack, transactional_id=new_id("test")) as producer:
        await producer.begin_transaction()
        await write(producer, aborted, headers=signed(aborted))
        await producer.abort_transaction()
        async with producer.transaction():
            await write(producer, committed, headers=signed(committed))
    assert (await outcome_of(outcomes, committed))["accepted"] is True
    documents = [orjson.loads(record.value) for record in await outcomes.records()]
    assert aborted["signal_id"] not in {document["signal_id"] for document in documents}


@pytest.mark.parametrize(
    ("topic", "service"), [(RUN_COMMANDS, "run_engine"), (AUTOMATION_JOBS, "automation")], ids=["engine", "automation"]
)
async def test_a_megabyte_that_becomes_a_gigabyte_stays_within_the_memory_of_a_service(
    stack: RunningStack, client: Client, topic: Any, service: str
) -> None:
    parked = Log(stack.bootstrap_servers, topic.parked)
    await parked.open()
    pid = stack.pid(service)
    assert await send(stack.bootstrap_servers, topic.name, 0, bomb(BOMB_BYTES)) == 0

    async def is_parked() -> bool:
        return any(b"when decompressed" in record.value for record in await parked.records())

    await asyncio.wait_for(until(is_parked), SECONDS)
    await parked.close()
    assert stack.pid(service) == pid and most_memory_kb(pid) < LIMIT_KB / 2
    run = await client.started(await client.created(tasks_in_a_row(1)))
    await client.completed(run["run_id"], 1)


def most_memory_kb(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    (line,) = (line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1])
