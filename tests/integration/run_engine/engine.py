"""The command loop on the real database and broker, with records handed to it as a consumer would."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from contracts import topics
from contracts.commands import Command, CompleteStep, StartRun, UpdateData
from contracts.definitions import PlaybookDefinition, StepDefinition
from contracts.envelope import ReplyAddress
from contracts.values import Caller
from services.run_engine.loop import CommandLoop
from services.run_engine.organizations import OrganizationStore
from services.run_engine.sealing.commands import Sealing
from services.run_engine.sealing.sealer import Sealer
from services.run_engine.sealing.store import KeyStore
from services.run_engine.settings import Settings
from services.run_engine.timers import InFlight
from shared import clock
from shared.ids import new_id
from shared.kafka import INFRASTRUCTURE, Parking
from shared.keyring import Keyring
from shared.messages import command_message, hash_of
from shared.mongo import Mongo
from tests.infrastructure import Infrastructure
from tests.integration.run_engine.faults import FaultyPublisher, FaultyStore

ORGANIZATION = "org_1"
REPLIES = ReplyAddress(topic=topics.GATEWAY_REPLIES.name, partition=0)
SOMEBODY = Caller(id="somebody", permissions=("*",))
TRIES = 10
KEYS = {"test": bytes(range(32))}
"""What ENCRYPTION_KEYS holds."""


@dataclass
class Delivered:
    """A record of run.commands."""

    value: bytes | None
    key: bytes | None
    offset: int
    partition: int = 0
    topic: str = topics.RUN_COMMANDS.name
    timestamp: int = 0


class Commands:
    """Makes commands to one new run, as records one after the other."""

    def __init__(self, steps: int = 2, first_offset: int = 0, partition: int = 0, **step: Any) -> None:
        self.run_id = new_id("run")
        self.definition = _definition(steps, step)
        self.offset = first_offset
        self.partition = partition

    def start(self) -> Delivered:
        return self.record(
            StartRun(caller=SOMEBODY, run_id=self.run_id, organization_id=ORGANIZATION, definition=self.definition)
        )

    def complete(self, number: int, **more: Any) -> Delivered:
        return self.record(CompleteStep(caller=SOMEBODY, step_id=f"step_{number:03}", **more))

    def update(self, **data: Any) -> Delivered:
        return self.record(UpdateData(caller=SOMEBODY, data=data))

    def record(self, command: Command, command_id: str | None = None, fingerprint: str | None = None) -> Delivered:
        """`fingerprint`: of a command that is sent under an Idempotency-Key."""
        message = command_message(
            topics.RUN_COMMANDS.name,
            self.run_id,
            command,
            message_id=command_id or new_id("cmd"),
            organization_id=ORGANIZATION,
            correlation_id="req_1",
            time=clock.now(),
            reply_to=REPLIES,
            fingerprint=fingerprint,
        )
        return self.delivered(message.value)

    def delivered(self, value: bytes) -> Delivered:
        self.offset += 1
        return Delivered(value, self.run_id.encode(), self.offset - 1, self.partition)


class Engine:
    """One engine: a loop over a store and a publisher that fail when told to."""

    def __init__(self, infrastructure: Infrastructure, database_prefix: str) -> None:
        given = {name.lower(): value for name, value in infrastructure.settings.items()}
        settings = Settings.model_validate(given | {"database_prefix": database_prefix})
        self.settings = settings
        self.mongo = Mongo(settings, "run_engine")
        self.store = FaultyStore(self.mongo, cache_size=100)
        self.store.faults = deque()
        self.organizations = OrganizationStore(self.mongo)
        self.publisher = FaultyPublisher(settings, "test")
        self.publisher.cuts = deque()
        self.committed: dict[int, int] = {}
        self.in_flight = InFlight()
        parking = Parking(self.publisher, topics.RUN_COMMANDS, "run_engine")
        self.keys = KeyStore(self.mongo, Keyring(KEYS))
        self.sealer = Sealer(self.keys)
        self.loop = CommandLoop(
            self.store,
            self.organizations,
            self.publisher,
            parking,
            lambda: self.committed,
            Sealing(self.sealer, self.keys),
            self.in_flight.answered,
        )

    async def take(self, *records: Delivered) -> int:
        """Delivers a batch until it is taken, as the consumer does; gives the number of tries."""
        for tries in range(1, TRIES + 1):
            try:
                publish = await self.loop.handle(records)
                await publish()
            except INFRASTRUCTURE:
                continue
            return tries
        raise AssertionError(f"not taken in {TRIES} tries")

    def commit(self, *commands: Commands) -> None:
        """Nothing of what they have sent so far can be delivered again."""
        self.committed = {each.partition: each.offset for each in commands}

    async def document(self, run_id: str) -> dict[str, Any]:
        found: dict[str, Any] | None = await self.mongo.collection("runs").find_one({"_id": run_id})
        assert found is not None
        return found


def command_id(record: Delivered) -> str:
    assert record.value is not None
    return str(orjson.loads(record.value)["id"])


def assert_whole(events: Sequence[bytes]) -> list[dict[str, Any]]:
    """The run's events, each once: no gap, an unbroken chain, and repeats equal to the byte. Gives them in order."""
    by_sequence: dict[int, bytes] = {}
    for value in events:
        assert by_sequence.setdefault(orjson.loads(value)["sequence"], value) == value
    ordered = [orjson.loads(by_sequence[number]) for number in sorted(by_sequence)]
    assert [event["sequence"] for event in ordered] == list(range(1, len(ordered) + 1))
    previous = None
    for event in ordered:
        assert event["previous_hash"] == previous
        assert event["hash"] == hash_of(event)
        previous = event["hash"]
    return ordered


def _definition(steps: int, step: dict[str, Any]) -> PlaybookDefinition:
    return PlaybookDefinition(
        playbook_id=new_id("pb"),
        revision=1,
        organization_id=ORGANIZATION,
        name="Test",
        smart_code="HERA.TEST.PLAYBOOK.LOOP.v1",
        steps=[StepDefinition(name=f"S{n}", sequence=n, step_id=f"step_{n:03}", **step) for n in range(1, steps + 1)],
        created_at=clock.now(),
        created_by="author",
    )
