"""Records that no honest writer sends, each with what must be said about it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import orjson
from aiokafka import AIOKafkaProducer
from aiokafka.errors import MessageSizeTooLargeError

from contracts import topics
from contracts.commands import CreatePlaybook, UpdateData
from contracts.definitions import PlaybookDefinition, PlaybookDraft, StepDraft
from contracts.envelope import ReplyAddress
from contracts.events import NotificationSent, PlaybookRegistered
from contracts.jobs import AutomationJob
from contracts.topics import Topic
from contracts.values import SYSTEM, Actor, Caller, Contract
from contracts.webhooks import CreateWebhook, WebhookDraft
from shared import clock
from shared.ids import new_id
from shared.messages import MAX_MESSAGE_BYTES, command_message
from tests.kafka import Log, client_options

Headers = Sequence[tuple[str, bytes | None]]
LARGEST_REQUEST = 2 * MAX_MESSAGE_BYTES
ODD_HEADERS: Headers = (
    ("type", None),
    ("type", b"\xff\xfe\x00"),
    ("", b""),
    ("traceparent", b"00-" + b"f" * 5000),
    ("content-type", b"\xc3("),
)
"""Null, not UTF-8, without a name, long: FastStream's own parser raises on the first two."""


@dataclass(frozen=True, slots=True)
class Bad:
    """A record and a part of the reason that it must be set aside for."""

    what: str
    value: bytes | None
    reason: str
    key: bytes | None = b"run_hostile"
    headers: Headers = ()


SHAPELESS = (
    Bad("not JSON", b"{not json", "not JSON"),
    Bad("no UTF-8", b'{"id": "\xff\xfe"}', "not JSON"),
    Bad("empty", b"", "empty"),
    Bad("a tombstone", None, "empty"),
    Bad("a tombstone with an empty key", None, "empty", key=b""),
    Bad("a key that is no UTF-8", b"{}", "not a valid", key=b"\xff\xfe"),
    Bad("a number", b"42", "not a valid"),
    Bad("a list", b"[]", "not a valid"),
    Bad("null", b"null", "not a valid"),
    Bad("an empty object", b"{}", "not a valid"),
    Bad("deeper than a parser goes", b"[" * 100_000, "not JSON"),
    Bad("deep", b'{"data":' * 900 + b"1" + b"}" * 900, "not a valid"),
    Bad("huge", b'"' + b"x" * MAX_MESSAGE_BYTES + b'"', "more than"),
    Bad("large", b'"' + b"x" * (MAX_MESSAGE_BYTES - 1024) + b'"', ""),  # some readers take less
    Bad("odd headers", b"{", "not JSON", headers=ODD_HEADERS),
)
"""For any topic."""


def misshapen(topic: Topic, key: str, good: bytes) -> list[Bad]:
    """A good message in its envelope, spoilt in one way or another. A newer version is not spoilt: it is waited for."""
    envelope = orjson.loads(good)

    def bad(what: str, reason: str, **changes: Any) -> Bad:
        return Bad(what, orjson.dumps({**envelope, **changes}), reason, key.encode())

    elsewhere = "CompleteStep" if topic is not topics.RUN_COMMANDS else "StepCompleted"
    return [
        bad("an unknown type", "LaunchRocket", type="LaunchRocket"),
        bad("a type of another topic", elsewhere, type=elsewhere),
        bad("version 0", "version", version=0),
        bad("wrong types", "not a valid", id={}, version="x", data=[], time=3.5, organization_id=7),
        bad("no organisation", "organization_id", organization_id=""),
        bad("no time", "time", time="yesterday"),
        Bad("another key", good, "key", b"run_other"),
        Bad("no key", good, "key", None),
    ]


def enveloped(topic: Topic, key: str, payload: Contract, organization_id: str = "org_hostile", **more: Any) -> bytes:
    return command_message(
        topic.name,
        key,
        payload,
        message_id=new_id("cmd"),
        organization_id=organization_id,
        correlation_id="req_hostile",
        time=clock.now(),
        **more,
    ).value


def update(**data: Any) -> UpdateData:
    return UpdateData(caller=Caller(id="intruder", permissions=("*",)), data=data)


def event_of_nobody(run_id: str) -> bytes:
    """A well-formed event of a run that was never created."""
    event = NotificationSent(at=clock.now(), actor=SYSTEM, recipient="u", notification_type="t", channel="email")
    return orjson.dumps({**orjson.loads(enveloped(topics.RUN_EVENTS, run_id, event)), "sequence": 1})


def creation(playbook_id: str) -> CreatePlaybook:
    draft = PlaybookDraft(name="P", smart_code="HERA.TEST.PLAYBOOK.HOSTILE.v1", steps=[StepDraft(name="A", sequence=1)])
    return CreatePlaybook(caller=Caller(id="u"), playbook_id=playbook_id, organization_id="org_hostile", draft=draft)


def subscription(webhook_id: str) -> CreateWebhook:
    draft = WebhookDraft(url="https://hooks.invalid", event_types=["*"])
    return CreateWebhook(caller=Caller(id="u"), webhook_id=webhook_id, organization_id="org_hostile", draft=draft)


def registration(playbook_id: str) -> PlaybookRegistered:
    definition = PlaybookDefinition(
        playbook_id=playbook_id,
        revision=1,
        organization_id="org_hostile",
        name="P",
        smart_code="HERA.TEST.PLAYBOOK.HOSTILE.v1",
        steps=[],
        created_at=clock.now(),
        created_by="u",
    )
    return PlaybookRegistered(at=clock.now(), actor=Actor(id="u"), definition=definition, status="active")


def job(run_id: str) -> AutomationJob:
    return AutomationJob(
        job_id=f"{run_id}:step_001:1:1",
        run_id=run_id,
        organization_id="org_hostile",
        step_id="step_001",
        step_name="S",
        attempt_number=1,
        idempotency_key=f"{run_id}:step_001:1",
        api_endpoint=None,
        timeout_seconds=30,
        config={},
        data={},
        created_at=clock.now(),
    )


NOWHERE = (
    ReplyAddress(topic="no.such.topic", partition=0),
    ReplyAddress(topic=topics.GATEWAY_REPLIES.name, partition=10_000),
    ReplyAddress(topic=topics.SIGNALS_OUTCOMES.name),
    ReplyAddress(topic=topics.RUN_COMMANDS.name),
)
"""Addresses where a command's answer can't or must not go."""


class Intruder:
    """Writes to any partition of any topic, whatever it likes."""

    def __init__(self, bootstrap_servers: str) -> None:
        self._bootstrap_servers = bootstrap_servers
        self._producer: Any = None

    async def open(self) -> None:
        self._producer = AIOKafkaProducer(
            **client_options(self._bootstrap_servers), acks="all", max_request_size=LARGEST_REQUEST
        )
        await self._producer.start()

    async def close(self) -> None:
        await self._producer.stop()

    async def send(self, topic: Topic, record: Bad, partition: int) -> tuple[int, int]:
        """Where it lies: partition and offset."""
        sent = await self._producer.send_and_wait(
            topic.name, record.value, key=record.key, partition=partition, headers=list(record.headers)
        )
        return sent.partition, sent.offset

    async def send_to_all(self, topic: Topic, records: Iterable[Bad]) -> dict[tuple[int, int], Bad]:
        """Each to every partition; by where they lie. What the broker itself refuses lies nowhere: what is too large,
        and on a compacted topic what has no key.
        """
        partitions = sorted(await self._producer.partitions_for(topic.name))
        lying: dict[tuple[int, int], Bad] = {}
        takes_any_key = topic.cleanup == "delete"
        for record, partition in product((r for r in records if takes_any_key or r.key is not None), partitions):
            try:
                lying[await self.send(topic, record, partition)] = record
            except MessageSizeTooLargeError:
                assert len(record.value or b"") > MAX_MESSAGE_BYTES, record.what
        return lying


class SetAside:
    """Why records were set aside, by where they lay: what a parking topic or playbook.signals.rejected got."""

    def __init__(self, log: Log, service: str | None = None) -> None:
        self.reasons: dict[tuple[int, int], str] = {}
        self._log = log
        self._service = service
        """None: of all services."""
        self._seen = 0

    async def look(self) -> dict[tuple[int, int], str]:
        records = await self._log.records()
        for document in (orjson.loads(record.value) for record in records[self._seen :]):
            if self._service is None or document["service"] == self._service:
                self.reasons[document["partition"], document["offset"]] = document["reason"]
        self._seen = len(records)
        return self.reasons
