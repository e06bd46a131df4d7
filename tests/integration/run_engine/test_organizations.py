"""What the engine keeps of organisations' documents: the newest of each, whatever comes twice, late or broken."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import orjson
import pytest
import pytest_asyncio

from contracts.organization_documents import OrganizationDocumentChanged, document_key
from contracts.policies import DEFAULT_POLICIES, Delegation
from contracts.topics import POLICY_EVENTS
from contracts.values import SYSTEM
from services.run_engine.organizations import INDEXES, DocumentConsumer, OrganizationReads, OrganizationStore
from shared import clock
from shared.ids import new_id
from shared.kafka import Parking
from shared.messages import event_message
from tests.infrastructure import Infrastructure
from tests.integration.run_engine.engine import Delivered, Engine


@pytest_asyncio.fixture(loop_scope="session")
async def engine(infrastructure: Infrastructure, database_prefix: str) -> AsyncIterator[Engine]:
    made = Engine(infrastructure, database_prefix)
    await made.publisher.start()
    await made.mongo.create_indexes(INDEXES)
    yield made
    await made.publisher.stop()


def record(organization_id: str, revision: int, content: dict[str, Any], kind: str = "financial_controls",
           name: str = "", key: str | None = None) -> Delivered:  # fmt: skip
    event = OrganizationDocumentChanged(
        at=clock.now(), actor=SYSTEM, kind=kind, name=name, revision=revision, content=content
    )
    key = key or document_key(organization_id, kind, name)
    message, _ = event_message(
        POLICY_EVENTS.name, key, event, sequence=revision, previous_hash=None, organization_id=organization_id,
        correlation_id="req_1", causation_id="cmd_1", time=event.at,
    )  # fmt: skip
    return Delivered(message.value, key.encode(), revision, topic=POLICY_EVENTS.name)


def limit(amount: float) -> dict[str, Any]:
    return {"auto_approve_limit": amount}


class Followed:
    """Two instances on one database: what one keeps the other decides by."""

    def __init__(self, engine: Engine) -> None:
        self.consumer = DocumentConsumer(
            OrganizationStore(engine.mongo), Parking(engine.publisher, POLICY_EVENTS, "run_engine")
        )
        self.other = OrganizationStore(engine.mongo)

    async def limit_of(self, organization_id: str) -> float:
        return (await self.other.of(organization_id)).financial_controls.auto_approve_limit


async def test_the_newest_revision_is_in_force_in_every_instance_at_once(engine: Engine) -> None:
    followed, organization_id = Followed(engine), new_id("org")
    assert await followed.other.of(organization_id) is DEFAULT_POLICIES
    for revision in (1, 2, 3):
        await followed.consumer.handle((record(organization_id, revision, limit(revision)),))
        assert await followed.limit_of(organization_id) == revision


async def test_what_is_said_to_be_in_force_is_decided_by_though_its_keeper_has_not_come_to_the_head(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    followed, organization_id = Followed(engine), new_id("org")
    await followed.consumer.handle((record(organization_id, 1, limit(1)),))
    assert await followed.limit_of(organization_id) == 1

    async def is_interrupted(*_: Any) -> None: ...

    with monkeypatch.context() as patched:
        patched.setattr(OrganizationStore, "move_heads", is_interrupted)
        await followed.consumer.handle((record(organization_id, 2, limit(2)),))
    reads = OrganizationReads(followed.other, wait_seconds=5, poll_seconds=0.01)
    assert await reads.is_in_force(organization_id, "financial_controls", "", 2)
    assert await followed.limit_of(organization_id) == 2


async def test_what_comes_late_or_twice_changes_nothing(engine: Engine) -> None:
    followed, organization_id = Followed(engine), new_id("org")
    revisions = [record(organization_id, revision, limit(revision)) for revision in (1, 2, 3)]
    await followed.consumer.handle((revisions[1], revisions[2], revisions[0]))
    await followed.consumer.handle((revisions[0],))
    assert await followed.limit_of(organization_id) == 3


async def test_one_organization_s_documents_are_nobody_else_s(engine: Engine) -> None:
    followed, ours, theirs = Followed(engine), new_id("org"), new_id("org")
    await followed.consumer.handle((record(ours, 1, limit(7)),))
    found = await followed.other.policies([ours, theirs])
    assert (found[ours].financial_controls.auto_approve_limit, found[theirs]) == (7, DEFAULT_POLICIES)


async def test_what_is_unsound_is_set_aside_and_what_is_newer_than_this_version_is_kept(engine: Engine) -> None:
    followed, organization_id = Followed(engine), new_id("org")
    misplaced = record(organization_id, 9, limit(9), key="org_somebody:financial_controls")
    await followed.consumer.handle((
        record(organization_id, 1, limit(1)), record(organization_id, 2, limit(-1)), misplaced,
        Delivered(b"not json", b"key", 4, topic=POLICY_EVENTS.name),
        record(organization_id, 1, {"of": ["the", "future"]}, kind="horoscope"),
    ))  # fmt: skip
    assert await followed.limit_of(organization_id) == 1
    rows = engine.mongo.collection("organization_documents").find({"organization_id": organization_id})
    assert {row["kind"] async for row in rows} == {"financial_controls", "horoscope"}


async def test_delegations_are_gathered_by_name(engine: Engine) -> None:
    followed, organization_id = Followed(engine), new_id("org")
    now = clock.now()
    lent = Delegation(delegator="ann", substitute="ben", starts_at=now, ends_at=now + timedelta(hours=1))
    content = orjson.loads(lent.model_dump_json())
    named = [record(organization_id, 1, content, kind="delegation", name=f"dlg_{n}") for n in (1, 2)]
    await followed.consumer.handle(tuple(named))
    assert (await followed.other.of(organization_id)).delegations == {"dlg_1": lent, "dlg_2": lent}


async def test_whoever_asks_whether_it_is_in_force_waits_for_it_and_not_for_ever(engine: Engine) -> None:
    followed, organization_id = Followed(engine), new_id("org")
    reads = OrganizationReads(followed.other, wait_seconds=0.2, poll_seconds=0.01)
    await followed.consumer.handle((record(organization_id, 2, limit(2)),))
    assert await reads.is_in_force(organization_id, "financial_controls", "", 1)
    assert await reads.is_in_force(organization_id, "financial_controls", "", 2)
    assert not await reads.is_in_force(organization_id, "financial_controls", "", 3)
    assert not await reads.is_in_force(organization_id, "approval_limit", "", 1)
