"""What a command to the registry was answered stays so: for who asks later, sends it again, or gets it redelivered."""

from datetime import timedelta
from typing import Any

import orjson
import pytest

from contracts.commands import ArchivePlaybook, Command, PlaybookChange, RestorePlaybook, RevisePlaybook
from contracts.organization_documents import CreateDelegation, PutOrganizationDocument, RevokeDelegation, local_key
from contracts.replies import Reply
from contracts.topics import REGISTRY_COMMANDS
from services.playbook_registry.consumers import CommandConsumer
from services.playbook_registry.delegations.store import DelegationStore
from services.playbook_registry.domain.playbook import ANSWERS_KEPT
from services.playbook_registry.organization.store import DocumentStore
from services.playbook_registry.store import PlaybookStore
from shared import clock
from shared.ids import new_id
from shared.kafka import Parking
from shared.messages import OutgoingMessage, command_message
from tests.integration.asking import GivenRecord
from tests.integration.playbook_registry.conftest import CALLER, Bench, draft

KIND = "approval_limit"


@pytest.fixture
def consumer(bench: Bench) -> CommandConsumer:
    """Handed records as Kafka would, and twice where a crash came before the commit."""
    mongo, parking = bench.service.mongo, Parking(bench.publisher, REGISTRY_COMMANDS, "test")
    stores = (PlaybookStore(mongo), DocumentStore(mongo), DelegationStore(mongo))
    return CommandConsumer(*stores, bench.publisher, parking, lambda _: False)


async def outcome(bench: Bench, playbook_id: str, command_id: str, organization_id: str) -> Reply | None:
    _, found = await bench.get(f"/{playbook_id}/commands/{command_id}", organization_id=organization_id)
    return Reply.model_validate(found["reply"]) if found["reply"] is not None else None


async def registered(bench: Bench, organization_id: str, **over: Any) -> dict[str, Any]:
    """What every change of a new playbook carries."""
    reply = await bench.ask(bench.command(draft(**over), organization_id))
    assert reply.result is not None
    return {"caller": CALLER, "playbook_id": reply.result["playbook_id"], "organization_id": organization_id}


async def test_a_change_keeps_its_outcome_and_its_key_after_more_changes_than_a_playbook_remembers(
    bench: Bench,
) -> None:
    subject, command_id = await registered(bench, new_id("org")), new_id("cmd")
    first = await bench.change(RevisePlaybook(**subject, draft=draft(name="Once")), command_id, "body")
    further: list[PlaybookChange] = [ArchivePlaybook(**subject), RestorePlaybook(**subject)]
    for number in range(ANSWERS_KEPT + 1):
        await bench.change(further[number % 2])
    found = await outcome(bench, subject["playbook_id"], command_id, subject["organization_id"])
    assert found is not None and found.result == first.result
    again = await bench.change(RevisePlaybook(**subject, draft=draft(name="Once")), command_id, "body")
    assert (again.result, again.replayed) == (first.result, True)
    other = await bench.change(RevisePlaybook(**subject, draft=draft(name="Other")), command_id, "other body")
    assert other.rejection is not None and other.rejection.code == "IDEMPOTENCY_CONFLICT"
    _, now = await bench.get(f"/{subject['playbook_id']}", organization_id=subject["organization_id"])
    assert now["revision"] == 2


async def test_a_create_that_was_refused_stays_refused_when_it_is_delivered_or_sent_again(
    bench: Bench, consumer: CommandConsumer
) -> None:
    organization_id, command_id = new_id("org"), new_id("cmd")
    holder = await registered(bench, organization_id)
    command = bench.command(draft(), organization_id, command_id, "body")
    await consumer.handle(delivered(command))
    await bench.change(RevisePlaybook(**holder, draft=draft(smart_code="HERA.TEST.PLAYBOOK.FREED.v1")))
    await consumer.handle(delivered(command))
    assert (await bench.get(f"/{command.key}/head", organization_id=organization_id))[0] == 404
    again = await bench.ask(command)
    assert again.rejection is not None and again.rejection.code == "CONFLICT"
    assert (await bench.get(f"/{command.key}/head", organization_id=organization_id))[0] == 404


async def test_a_change_that_was_refused_stays_refused_when_it_is_delivered_again(
    bench: Bench, consumer: CommandConsumer
) -> None:
    subject = await registered(bench, new_id("org"))
    early = ArchivePlaybook(**subject, if_match='"2"')
    command = sent(bench, subject["playbook_id"], early, subject["organization_id"])
    await consumer.handle(delivered(command))
    await bench.change(RevisePlaybook(**subject, draft=draft(name="Another")))
    await consumer.handle(delivered(command))
    _, now = await bench.get(f"/{subject['playbook_id']}", organization_id=subject["organization_id"])
    assert (now["name"], now["status"]) == ("Another", "active")


async def test_a_put_that_was_refused_stays_refused_when_it_is_delivered_again(
    bench: Bench, consumer: CommandConsumer
) -> None:
    organization_id, documents = new_id("org"), DocumentStore(bench.service.mongo)
    early = sent(bench, local_key(KIND, ""), _limit(organization_id, 5, '"1"'), organization_id)
    first = sent(bench, local_key(KIND, ""), _limit(organization_id, 7), organization_id)
    await consumer.handle(delivered(early))
    await consumer.handle(delivered(first))
    await consumer.handle(delivered(early))
    current = await documents.current(organization_id, KIND)
    assert current is not None and (current.revision, current.content["limits"][0]["max_amount"]) == (1, 7)


async def test_a_conflict_of_a_repeat_is_not_the_outcome_of_its_command(bench: Bench) -> None:
    organization_id, command_id = new_id("org"), new_id("cmd")
    first = await bench.ask(bench.command(draft(), organization_id, command_id, "body"))
    other = bench.command(draft(name="Other"), organization_id, command_id, "other body")
    assert (await bench.ask(other)).rejection is not None
    again = await bench.ask(bench.command(draft(), organization_id, command_id, "body"))
    assert again.result == first.result


async def test_a_delegation_s_creation_keeps_its_outcome_after_it_was_revoked(bench: Bench) -> None:
    organization_id, name = new_id("org"), new_id("dlg")
    about = {"caller": CALLER, "delegation_id": name, "organization_id": organization_id}
    create = CreateDelegation(**about, delegator=CALLER.id, substitute="sue", ends_at=clock.now() + timedelta(days=1))
    made = sent(bench, name, create, organization_id)
    first = await answered(bench, made)
    revoke = sent(bench, name, RevokeDelegation(**about), organization_id)
    revoked = await answered(bench, revoke)
    assert first.result is not None and first.result["status"] == "in_force"
    assert revoked.result is not None and revoked.result["status"] == "revoked"
    for command, reply in ((made, first), (revoke, revoked)):
        path = f"/internal/delegations/{name}/commands/{orjson.loads(command.value)['id']}"
        found = (await bench.http.get(path, params={"organization_id": organization_id})).json()["data"]["reply"]
        assert found["result"] == reply.result
        again = await answered(bench, command)
        assert (again.result, again.replayed) == (reply.result, True)


async def answered(bench: Bench, command: OutgoingMessage) -> Reply:
    reply = await bench.requester.ask(orjson.loads(command.value)["id"], command, timeout=30)
    assert reply is not None
    return reply


def _limit(organization_id: str, amount: int, if_match: str | None = None) -> PutOrganizationDocument:
    content = {"field": "amount", "limits": [{"role": "cfo", "max_amount": amount}]}
    return PutOrganizationDocument(
        caller=CALLER, organization_id=organization_id, kind=KIND, content=content, if_match=if_match
    )


def delivered(command: OutgoingMessage) -> tuple[GivenRecord]:
    return (GivenRecord(command.value, command.key.encode(), command.topic, offset=1_000_000),)


def sent(bench: Bench, key: str, command: Command, organization_id: str) -> OutgoingMessage:
    return command_message(
        REGISTRY_COMMANDS.name, key, command, message_id=new_id("cmd"), organization_id=organization_id,
        correlation_id="req_1", time=clock.now(), reply_to=bench.requester.address,
    )  # fmt: skip
