"""Creating playbooks over the broker: answered once, written once, told to the others."""

from base64 import b64decode
from collections.abc import Sequence

import orjson
import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from contracts.topics import REGISTRY_COMMANDS
from services.playbook_registry.consumers import CommandConsumer
from services.playbook_registry.delegations.store import DelegationStore
from services.playbook_registry.organization.store import DocumentStore
from services.playbook_registry.store import PlaybookStore
from shared.ids import new_id
from shared.kafka import Parking, Publisher
from shared.messages import OutgoingMessage
from shared.mongo import Mongo
from tests.conformance.reference import Example, example
from tests.integration.asking import GivenRecord, hostile_records
from tests.integration.playbook_registry.conftest import Bench, draft
from tests.unit.playbook_registry.drafts import EDGE_CASES, accepted_examples, draft_of


@pytest.mark.parametrize("shown", accepted_examples(), ids=lambda e: e.name)
async def test_registers_the_playbooks_of_the_reference(bench: Bench, shown: Example) -> None:
    organization_id = new_id("org")
    reply = await bench.ask(bench.command(draft_of(shown), organization_id))
    assert reply.result is not None
    playbook_id = reply.result["playbook_id"]
    (event,) = await bench.events.find(lambda d: d["key"] == playbook_id)
    assert event["data"]["definition"]["steps"][0]["step_id"] == "step_001"
    status, playbook = await bench.get(f"/{playbook_id}", organization_id=organization_id)
    assert (status, playbook["status"]) == (200, "active")
    assert playbook["metrics"] == reply.result["metrics"]


async def test_refuses_word_for_word_over_the_broker(bench: Bench) -> None:
    shown = example(EDGE_CASES + "Policy Violation")
    reply = await bench.ask(bench.command(draft_of(shown), new_id("org")))
    assert reply.rejection is not None
    assert reply.rejection.model_dump(mode="json") == shown.responses[0]["error"]


async def test_gives_the_first_answer_again(bench: Bench) -> None:
    organization_id, command_id = new_id("org"), new_id("cmd")
    command = bench.command(draft(), organization_id, command_id, "body-1")
    first, again = await bench.ask(command), await bench.ask(command)
    assert (first.replayed, again.replayed) == (False, True)
    assert again.result == first.result
    events = await bench.events.find(lambda d: d["key"] == command.key, count=2)
    assert events[0] == events[1]
    _, page = await bench.get("", organization_id=organization_id)
    assert page["total"] == 1


async def test_refuses_another_body_under_the_same_command(bench: Bench) -> None:
    organization_id, command_id = new_id("org"), new_id("cmd")
    await bench.ask(bench.command(draft(), organization_id, command_id, "body-1"))
    reply = await bench.ask(bench.command(draft(name="Other"), organization_id, command_id, "body-2"))
    assert reply.rejection is not None
    assert reply.rejection.code == "IDEMPOTENCY_CONFLICT"


async def test_a_smart_code_is_unique_in_its_organization_only(bench: Bench) -> None:
    first, second = new_id("org"), new_id("org")
    created = await bench.ask(bench.command(draft(), first))
    refused = await bench.ask(bench.command(draft(), first))
    elsewhere = await bench.ask(bench.command(draft(), second))
    assert created.result is not None
    assert elsewhere.result is not None
    assert refused.rejection is not None
    assert refused.rejection.code == "CONFLICT"
    assert refused.rejection.details["playbook_id"] == created.result["playbook_id"]


async def test_refuses_what_the_database_could_not_keep(bench: Bench) -> None:
    reply = await bench.ask(bench.command(draft(metadata={"big": 2**64 - 1}), new_id("org")))
    assert reply.rejection is not None
    assert (reply.rejection.code, reply.rejection.details["field"]) == ("VALIDATION_ERROR", "playbook.metadata.big")


async def test_hostile_records_are_parked_and_stop_nothing(bench: Bench) -> None:
    marker = new_id("hostile")
    hostile = hostile_records(REGISTRY_COMMANDS, "CreatePlaybook", marker)
    async with AIOKafkaProducer(bootstrap_servers=bench.settings.kafka_bootstrap_servers) as foreign:
        for key, value, headers in hostile:
            await foreign.send_and_wait(REGISTRY_COMMANDS.name, value, key=key, headers=headers, partition=0)
    parked = await bench.parked.find(
        lambda d: marker.encode() in b64decode(d["value_base64"] or b""), count=len(hostile)
    )
    assert all(p["reason"] and p["service"] == "playbook_registry" for p in parked)
    assert (await bench.ask(bench.command(draft(), new_id("org")))).result is not None


class BreaksOnce:
    """A publisher that sends and then says once that it failed: as when the broker's acknowledgement is lost."""

    def __init__(self, publisher: Publisher, at_call: int, sends: bool) -> None:
        self._publisher, self._at_call, self._sends, self._calls = publisher, at_call, sends, 0

    async def publish(self, messages: Sequence[OutgoingMessage]) -> None:
        self._calls += 1
        if self._calls != self._at_call or self._sends:
            await self._publisher.publish(messages)
        if self._calls == self._at_call:
            raise KafkaError("the connection is gone")


def stores(mongo: Mongo) -> tuple[PlaybookStore, DocumentStore, DelegationStore]:
    return PlaybookStore(mongo), DocumentStore(mongo), DelegationStore(mongo)


@pytest.mark.parametrize("sends", [False, True], ids=["not sent", "sent"])
@pytest.mark.parametrize("at_call", [1, 2], ids=["events", "replies"])
async def test_a_fault_after_the_write_leaves_no_half_state(bench: Bench, at_call: int, sends: bool) -> None:
    organization_id = new_id("org")
    command = bench.command(draft(), organization_id)
    broken = BreaksOnce(bench.publisher, at_call, sends)
    parking = Parking(bench.publisher, REGISTRY_COMMANDS, "test")
    mongo = bench.service.mongo
    consumer = CommandConsumer(*stores(mongo), broken, parking, _without_base)  # type: ignore[arg-type]
    batch = (GivenRecord.of(command),)
    with pytest.raises(KafkaError):
        await consumer.handle(batch)
    await consumer.handle(batch)
    events = await bench.events.find(lambda d: d["key"] == command.key)
    assert len({orjson.dumps(event) for event in events}) == 1
    assert (await bench.ask(command)).replayed
    assert (await bench.get(f"/{command.key}/head", organization_id=organization_id))[0] == 200


async def test_of_two_in_one_batch_with_one_smart_code_one_is_registered(bench: Bench) -> None:
    organization_id = new_id("org")
    one, other = (bench.command(draft(), organization_id) for _ in range(2))
    parking = Parking(bench.publisher, REGISTRY_COMMANDS, "test")
    mongo = bench.service.mongo
    consumer = CommandConsumer(*stores(mongo), bench.publisher, parking, _without_base)
    await consumer.handle(tuple(GivenRecord.of(c) for c in (one, other, one)))
    replies = [await bench.ask(command) for command in (one, other)]
    assert sorted((r.rejection.code if r.rejection else "created") for r in replies) == ["CONFLICT", "created"]


def _without_base(_: str) -> bool:
    return False
